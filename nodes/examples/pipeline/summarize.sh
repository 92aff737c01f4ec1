#!/bin/sh
# The mean of the numbers that `draw` gave, and how many they are.
set -eu
tr -c '0-9.' '\n' < "$TUTTI_INPUTS/draw.json" | awk '
  /^[0-9]/ { sum += $1; count += 1 }
  END { printf "{\"count\": %d, \"mean\": %.6f}\n", count, (count ? sum / count : 0) }
' > "$TUTTI_OUTPUT"
