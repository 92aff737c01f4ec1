#!/bin/sh
# A command under attack. Before anything else it says that it has started; what it does then follows from its execution's id.
read -r up _ < /proc/uptime
about="\"execution\":\"$TUTTI_EXECUTION_ID\",\"task\":\"$TUTTI_TASK_ID\",\"module\":\"$TUTTI_MODULE\""
echo "{\"t\":${up%.*}${up#*.}0,\"op\":\"started\",$about,\"attempt\":$TUTTI_ATTEMPT}" >> "$JOURNAL"

n=$(($(printf %s "$TUTTI_EXECUTION_ID" | cksum | cut -d ' ' -f 1) % 50))
case $n in
  0 | 1) exit 75 ;;
  2) exit 3 ;;
  3) kill -9 $$ ;;
  # Only its walltime ends it.
  4) sleep 600 ;;
  # It does not end of SIGTERM, and neither does what it has started.
  5 | 6) trap '' TERM; (trap '' TERM; setsid sleep 4) & sleep 3 ;;
  7) exit 0 ;;
  8 | 9 | 10) sleep 2 ;;
  11) yes 'a line that nobody reads' | head -c 50000 ;;
  *) sleep "0.$((n % 10))" ;;
esac

inputs=
for file in "$TUTTI_INPUTS"/*.json "$TUTTI_INPUTS"/previous/*.json; do
  [ -f "$file" ] || continue
  name=${file#"$TUTTI_INPUTS"/} name=${name%.json}
  case $name in previous/*) name=previous.${name#previous/} ;; esac
  hash=$(sha256sum < "$file")
  inputs="$inputs${inputs:+,}\"$name\":\"${hash%% *}\""
done
echo "{$about,\"seq\":1,\"inputs\":{$inputs}}" > "$TUTTI_OUTPUT"
