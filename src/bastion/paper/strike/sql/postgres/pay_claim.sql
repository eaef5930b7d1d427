UPDATE payout_queue SET paid_at_us = %s WHERE seq = %s AND paid_at_us IS NULL
