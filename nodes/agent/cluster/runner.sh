# Runs one command and records its state in files, so that another process or another machine can read it later.
# It is started in the prepared folder, which is below the folder of the attempt.
#
# R1  The claim is one link(2): of all runners of a key, one starts the command, and only after the claim names it.
# R2  `end` appears at once and complete, and only when no process of the command is left.
# R3  The environment, which may hold secrets, is removed before the command runs.

# Sets `value` to a line with its escapes (\\ and \n) undone.
unescape() {
  case $1 in
    *\\*) value=$(printf '%bx' "$1") value=${value%x} ;;
    *) value=$1 ;;
  esac
}

# The first process of the command: in a session of its own, with the attempt's folder as its working folder.
start_command() {
  base=$1 prepared=$2
  start_time $$
  echo "$$ $started" > "$base/command"
  cd "$base/work" || exit 126
  set --
  while IFS= read -r line; do unescape "$line" && set -- "$@" "$value"; done < "$prepared/env"
  while IFS= read -r line; do unescape "$line" && set -- "$@" "${value%%=*}=$PWD/${value#*=}"; done < "$prepared/path-env"
  # `env` would take a program with "=" in its name for a variable.
  set -- "$@" /bin/sh -c 'exec "$@"' sh
  while IFS= read -r line; do unescape "$line" && set -- "$@" "$value"; done < "$prepared/argv"
  rm -rf "$prepared"
  exec env "$@"
}

if [ "$1" = command ]; then start_command "$2" "$3"; fi

engine=$1
prepared=$PWD
# A batch system starts a job elsewhere if its folder is gone: the attempt was removed.
[ -f limits ] || exit 0
read -r walltime < limits
cd .. || exit 1
base=$PWD

read -r host < /proc/sys/kernel/hostname
read -r boot < /proc/sys/kernel/random/boot_id
start_time $$
begun=$(now)
case $engine in
  process) id=$$ ;;
  slurm) id=$SLURM_JOB_ID ;;
  torque) id=${PBS_JOBID:-$SLURM_JOB_ID} ;;
esac
claim="$id $host $$ $started $boot $begun"
echo "$claim" > "$prepared/claim"
if ! ln "$prepared/claim" claim 2>/dev/null; then
  # A network file system may report a link as failed that it has made.
  read -r winner < claim
  if [ "$winner" != "$claim" ]; then
    rm -rf "$prepared"
    exit 0
  fi
fi
mv "$prepared/files" work
# The launcher waits for this line, or is gone: a broken pipe must not end this process.
trap '' PIPE
echo "$id" 2> /dev/null
trap - PIPE
exec > /dev/null 2>&1 < /dev/null

why=
trap 'why=${why:-ended}' TERM HUP INT
trap 'why=walltime' USR1

TUTTI_LAUNCH=$base setsid /bin/sh "$prepared/runner.sh" command "$base" "$prepared" > stdout 2> stderr &
child=$!

# Reports the walltime and, where a batch system cannot signal a job, the wish to stop.
watch() {
  trap 'kill "$nap" 2>/dev/null; exit' TERM
  nap=
  if [ "$engine" = torque ]; then
    while [ ! -e stop ]; do
      sleep 1 & nap=$!
      wait "$nap"
      if [ "$walltime" -gt 0 ] && [ "$(now)" -ge $((begun + walltime)) ]; then
        kill -USR1 $$
        exit
      fi
    done
    kill -TERM $$
  else
    sleep "$(printf '%d.%03d' $((walltime / 1000)) $((walltime % 1000)))" & nap=$!
    wait "$nap"
    kill -USR1 $$
  fi
}
watcher=
if [ "$engine" = torque ] || [ "$walltime" -gt 0 ]; then
  watch & watcher=$!
fi

wait "$child"
code=$?
# A batch system that ends the job signals this process as well, maybe a moment later than the command.
if [ "$engine" != process ] && [ -z "$why" ]; then
  case $code in 137 | 143) sleep 1 ;; esac
fi
reason=$why
# A signal interrupts the wait: the command has not ended yet then.
if [ -n "$reason" ]; then
  grace=5000
  if [ -e stop ]; then
    reason=stopped
    read -r grace < stop
  elif [ "$reason" = ended ]; then
    reason=cancelled_outside
    # A batch system that ends a job at its time limit sends the same signal.
    if [ "$walltime" -gt 0 ] && [ "$(now)" -ge $((begun + walltime - 1000)) ]; then reason=walltime; fi
  fi
  end_members "$grace"
  wait "$child"
  last=$?
  # 127: the first wait had seen its end already.
  if [ "$last" -ne 127 ]; then code=$last; fi
else
  # What it left behind.
  end_members 1000
fi
[ -n "$watcher" ] && kill "$watcher" 2>/dev/null
echo "$code $(now) $reason" > end.new
mv end.new end
