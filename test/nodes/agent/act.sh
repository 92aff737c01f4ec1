#!/bin/sh
# What a command of the contract suite does. Its start is recorded outside of its folder.
[ -n "$JOURNAL" ] && echo "$KEY" >> "$JOURNAL"
deed=$1
shift
case $deed in
  exit) exit "$1" ;;
  die) kill "-$1" $$ ;;
  say) printf '%s\0' "$@" ;;
  variables) for name; do eval "printf '%s\\0' \"\$$name\""; done ;;
  complain) echo "$1" >&2 ;;
  copy) cat "$TUTTI_INPUTS/$1" > "$TUTTI_OUTPUT" ;;
  count) i=0; while [ "$i" -lt "$1" ]; do i=$((i + 1)); echo "$i"; done ;;
  hang) echo "$1"; exec sleep 300 ;;
  # A child, a grandchild in a session of its own, one without the environment, and none of them heeds SIGTERM.
  family)
    trap '' TERM
    sleep 301 &
    setsid sh -c "sleep 302 & sleep 303; : $KEY" &
    env -i sh -c "sleep 304; : $KEY" &
    echo ready
    wait
    ;;
  # Leaves something behind.
  abandon) setsid sleep 305 & ;;
esac
