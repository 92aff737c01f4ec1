#!/bin/sh
# report.sh --mean=MEAN: a text for people. What goes to stderr is in the log only.
set -eu
echo "attempt $TUTTI_ATTEMPT of $TUTTI_MODULE" >&2
echo "The mean is ${1#--mean=}; the numbers are"
tr -c '0-9.\n' '\n' < "$TUTTI_INPUTS/draw.json" | grep '^[0-9]'
