UPDATE payout_queue SET paid_at_us = ? WHERE seq = ? AND paid_at_us IS NULL
