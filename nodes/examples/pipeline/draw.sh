#!/bin/sh
# draw.sh COUNT SEED: random numbers from 0 to 1.
set -eu
echo "draws $1 numbers with the seed $2"
awk -v count="$1" -v seed="$2" 'BEGIN {
  srand(seed)
  printf "{\"numbers\": ["
  for (i = 1; i <= count; i++) printf "%s%.6f", (i > 1 ? ", " : ""), rand()
  print "]}"
}' > "$TUTTI_OUTPUT"
