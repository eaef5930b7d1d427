# bash completion for bastion. Load it with: source <(bastion completion bash)
_bastion() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} path=${COMP_WORDS[1]} words= files=
  COMPREPLY=()
  if (( COMP_CWORD == 1 )); then
    COMPREPLY=($(compgen -W "certificate completion connect demo doctor engine exit gauntlet halt journal keys mcp paper positions refund reset schema status up vault venues watch --help --version" -- "$cur"))
    return
  fi
  case $path in
    certificate|engine|journal|keys|paper|vault|venues)
      if (( COMP_CWORD > 2 )); then path="$path ${COMP_WORDS[2]}"; fi ;;
  esac
  case "$path $prev" in
    "certificate export --out") COMPREPLY=($(compgen -f -- "$cur")); return ;;
    "certificate export --config") COMPREPLY=($(compgen -f -- "$cur")); return ;;
    "certificate show --out") COMPREPLY=($(compgen -f -- "$cur")); return ;;
    "certificate show --config") COMPREPLY=($(compgen -f -- "$cur")); return ;;
    "certificate verify --fingerprint") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "certificate verify --earlier") COMPREPLY=($(compgen -f -- "$cur")); return ;;
    "connect --venue") COMPREPLY=($(compgen -W "binance bingx bitget blofin bybit delta gate hitbtc hyperliquid krakenfutures kucoinfutures mudrex okx strike woo" -- "$cur")); return ;;
    "connect --host") COMPREPLY=($(compgen -W "live demo testnet" -- "$cur")); return ;;
    "connect --base-url") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "connect --key-space") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "connect --from-file") COMPREPLY=($(compgen -f -- "$cur")); return ;;
    "connect --allow-withdrawals") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "connect --config") COMPREPLY=($(compgen -f -- "$cur")); return ;;
    "demo --act") COMPREPLY=($(compgen -W "1 2" -- "$cur")); return ;;
    "doctor --config") COMPREPLY=($(compgen -f -- "$cur")); return ;;
    "engine arm --confidence-threshold") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "engine arm --daily-loss-limit-usd") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "engine arm --risk-threshold") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "engine arm --max-action") COMPREPLY=($(compgen -W "hold move_stop reduce_size exit_full emergency_exit" -- "$cur")); return ;;
    "engine arm --config") COMPREPLY=($(compgen -f -- "$cur")); return ;;
    "engine disarm --config") COMPREPLY=($(compgen -f -- "$cur")); return ;;
    "engine history --limit") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "engine history --config") COMPREPLY=($(compgen -f -- "$cur")); return ;;
    "engine start --config") COMPREPLY=($(compgen -f -- "$cur")); return ;;
    "engine status --config") COMPREPLY=($(compgen -f -- "$cur")); return ;;
    "exit --config") COMPREPLY=($(compgen -f -- "$cur")); return ;;
    "exit --resume") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "exit --reason") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "exit --deadline") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "exit --venue") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "exit --account") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "exit --symbol") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "exit --except-account") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "exit --except-symbol") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "exit --side") COMPREPLY=($(compgen -W "long short" -- "$cur")); return ;;
    "exit --hold") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "gauntlet --scenario") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "gauntlet --venue") COMPREPLY=($(compgen -W "binance bybit okx hyperliquid" -- "$cur")); return ;;
    "gauntlet --seed") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "gauntlet --jobs") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "halt --config") COMPREPLY=($(compgen -f -- "$cur")); return ;;
    "halt --reason") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "halt --venue") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "halt --account") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "halt --symbol") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "halt --except-account") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "halt --except-symbol") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "halt --side") COMPREPLY=($(compgen -W "long short" -- "$cur")); return ;;
    "journal export --act") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "journal export --key") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "journal export --since") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "journal export --until") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "journal export --exit") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "journal export --limit") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "journal export --config") COMPREPLY=($(compgen -f -- "$cur")); return ;;
    "keys create --scope") COMPREPLY=($(compgen -W "read trade engine" -- "$cur")); return ;;
    "keys create --label") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "keys create --days") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "keys create --only") COMPREPLY=($(compgen -W "exit" -- "$cur")); return ;;
    "keys create --accounts") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "keys create --cap-usd") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "keys create --tier") COMPREPLY=($(compgen -W "free basic pro unlimited" -- "$cur")); return ;;
    "keys create --config") COMPREPLY=($(compgen -f -- "$cur")); return ;;
    "keys rotate --grace-hours") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "mcp --client") COMPREPLY=($(compgen -W "claude-desktop claude-code cursor vscode windsurf gemini-cli zed" -- "$cur")); return ;;
    "mcp --tools") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "mcp --config") COMPREPLY=($(compgen -f -- "$cur")); return ;;
    "positions --config") COMPREPLY=($(compgen -f -- "$cur")); return ;;
    "refund --reason") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "refund --account") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "refund --config") COMPREPLY=($(compgen -f -- "$cur")); return ;;
    "reset --reason") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "reset --typed") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "reset --config") COMPREPLY=($(compgen -f -- "$cur")); return ;;
    "status --config") COMPREPLY=($(compgen -f -- "$cur")); return ;;
    "up --port") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "up --tools") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "up --config") COMPREPLY=($(compgen -f -- "$cur")); return ;;
    "vault list --config") COMPREPLY=($(compgen -f -- "$cur")); return ;;
    "vault put --config") COMPREPLY=($(compgen -f -- "$cur")); return ;;
    "vault remove --config") COMPREPLY=($(compgen -f -- "$cur")); return ;;
    "venues prove --symbol") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "venues prove --most-usd") COMPREPLY=($(compgen -W "" -- "$cur")); return ;;
    "venues prove --config") COMPREPLY=($(compgen -f -- "$cur")); return ;;
    "watch --config") COMPREPLY=($(compgen -f -- "$cur")); return ;;
  esac
  case $path in
    certificate) words="export show verify --help" ;;
    "certificate export") words="--out --json --config --help" ;;
    "certificate show") words="--out --json --config --help" ;;
    "certificate verify") words="--fingerprint --earlier --json --help" files=1 ;;
    "completion") words="bash zsh fish --help" ;;
    "connect") words="--venue --host --base-url --key-space --from-stdin --from-file --allow-withdrawals --dry-run --json --config --help" ;;
    "demo") words="--fast --json --act --help" ;;
    "doctor") words="--json --config --help" ;;
    engine) words="arm disarm history start status --help" ;;
    "engine arm") words="--confidence-threshold --daily-loss-limit-usd --risk-threshold --max-action --json --config --help" ;;
    "engine disarm") words="--json --config --help" ;;
    "engine history") words="--limit --json --config --help" ;;
    "engine start") words="--json --config --help" ;;
    "engine status") words="--json --config --help" ;;
    "exit") words="--now --json --standalone --config --resume --reason --deadline --dry-run --venue --account --symbol --except-account --except-symbol --side --hold --no-hold --help" ;;
    "gauntlet") words="--scenario --venue --seed --by-turns --jobs --show --list --json --help" ;;
    "halt") words="--stops-too --json --standalone --config --reason --dry-run --venue --account --symbol --except-account --except-symbol --side --help" ;;
    journal) words="export verify --help" ;;
    "journal export") words="--act --key --since --until --exit --limit --config --help" ;;
    "journal verify") words="--json --help" ;;
    keys) words="create list revoke rotate --help" ;;
    "keys create") words="--scope --label --days --only --accounts --cap-usd --tier --json --config --help" ;;
    "keys list") words="--json --help" ;;
    "keys revoke") words="--json --help" ;;
    "keys rotate") words="--grace-hours --json --help" ;;
    "mcp") words="--print-config --client --tools --config --help" ;;
    paper) words="serve --help" ;;
    "paper serve") words="--help" ;;
    "positions") words="--json --standalone --config --help" ;;
    "refund") words="--preview --review --reason --account --json --config --help" ;;
    "reset") words="--reason --typed --json --config --help" ;;
    "schema") words="--json --help" ;;
    "status") words="--json --standalone --config --help" ;;
    "up") words="--port --tools --config --help" ;;
    vault) words="list put remove --help" ;;
    "vault list") words="--json --config --help" ;;
    "vault put") words="--from-stdin --json --config --help" ;;
    "vault remove") words="--json --config --help" ;;
    venues) words="prove --help" ;;
    "venues prove") words="--symbol --most-usd --yes-open-a-minimum-position --json --config --help" ;;
    "watch") words="--json --config --help" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  if [[ -n $files && $cur != -* ]]; then COMPREPLY=($(compgen -f -- "$cur")); fi
}
complete -o filenames -F _bastion bastion
