# Answers the requests of an agent on the cluster, one after the other. First comes a line with a mark. A request is the number of its
# arguments, each on a line with \\ and \n escaped, and the number of bytes that it brings beside (a tar stream); nothing of that is ever
# read as shell. After what a request says, on stdout as well as on stderr, stands a line with the mark and its exit code:
# 0 done, 4 there is no such file, 5 the cluster refuses it, 6 it cannot be asked now. With 5 and 6, stderr ends in a line "tutti: " with
# the message, which begins with a code after 6.

unavailable() {
  echo "tutti: $*" >&2
  exit 6
}

refused() {
  echo "tutti: $*" >&2
  exit 5
}

enter_workdir() {
  case $workdir in
    '~') workdir=$HOME ;;
    '~/'*) workdir=$HOME/${workdir#??} ;;
    /*) ;;
    *) workdir=$HOME/$workdir ;;
  esac
  # Links are resolved, so that a command's mark is the same for its runner and for a later search.
  { [ -d "$workdir" ] || mkdir -p -- "$workdir" 2>/dev/null; } && cd -P -- "$workdir" 2>/dev/null && [ -w . ] ||
    unavailable workdir "cannot write the workdir $workdir"
}

# Fails with the first program that is not there.
need() {
  for program; do
    command -v "$program" > /dev/null 2>&1 || unavailable missing_command "$program is not installed, or not in the PATH"
  done
}

# Enters the folder of an attempt; makes it if there is none.
enter() {
  [ -d "$1" ] || mkdir -m 700 "$1" 2>/dev/null
  cd "$1" || unavailable workdir "cannot make the folder $1 in $workdir"
  base=$PWD
}

# Sets the words of the claim; fails if there is none.
read_claim() {
  { read -r id host pid start boot begun < "$1/claim"; } 2>/dev/null
}

# Whether the runner of the claim lives; only a process on this machine, started since its boot, can.
runner_is_alive() {
  read -r this_boot < /proc/sys/kernel/random/boot_id
  [ "$boot" = "$this_boot" ] && is_alive "$pid" "$start"
}

# Runs a client of the batch system, which may hang while its server is away. Its stdout is set in `answer`.
ask() {
  answer=$(timeout 20 "$@" 2>&1 < /dev/null)
}

say_that_it_is_silent() {
  unavailable silent "$1 does not answer: $(echo "$answer" | tail -n 1)"
}

submit() {
  case $engine in
    slurm)
      name=tutti-${base##*/}
      if [ -e submitting ]; then
        # Somebody died between the submission and its record.
        ask squeue -h -t all -n "$name" -o %i || say_that_it_is_silent squeue
        job=$(echo "$answer" | head -n 1)
      fi
      : > submitting
      if [ -z "$job" ]; then
        set -- --parsable --no-requeue --job-name="$name" --output=/dev/null --error=/dev/null --chdir="$prepared" --cpus-per-task="$cpus"
        [ "$memory" -gt 0 ] && set -- "$@" --mem="${memory}M"
        [ "$gpus" -gt 0 ] && set -- "$@" --gres=gpu:"$gpus"
        [ "$minutes" -gt 0 ] && set -- "$@" --time="$minutes"
        ask sbatch "$@" "$prepared/runner.sh" slurm || sbatch_failed
        job=${answer##*
}
        job=${job%%;*}
      fi
      ;;
    torque)
      # Slurm's qsub puts its arguments into a shell line: only numbers and fixed names may stand there.
      limits=nodes=1:ppn=$cpus
      [ "$memory" -gt 0 ] && limits=$limits,mem=${memory}mb
      [ "$gpus" -gt 0 ] && limits=$limits,naccelerators=$gpus
      [ "$minutes" -gt 0 ] && limits=$limits,walltime=$((minutes / 60)):$((minutes % 60)):00
      unset PBS_O_WORKDIR PBS_JOBID
      cd "$prepared" && ask qsub -N tutti -r n -l "$limits" -o /dev/null -e /dev/null torque.sh || sbatch_failed
      cd "$base" || exit 1
      job=${answer##*
}
      ;;
  esac
  case $job in
    [0-9]*) ;;
    *) say_that_it_is_silent "the batch system" ;;
  esac
  echo "$job" > job.new && mv job.new job
}

sbatch_failed() {
  rm -rf "$prepared"
  # Slurm's qsub prints what sbatch said between lines of its own.
  message=$(echo "$answer" | grep 'rror: ' | tail -n 1)
  message=${message:-$(echo "$answer" | tail -n 1)}
  case $answer in
    *'Unable to contact'* | *'timed out'* | *onnect* | *'temporarily'* | *'standby'* | *'QOS policy'* | *'try again'*) ;;
    *'submission failed'* | *rror:* | *'qsub: '*) refused "$message" ;;
  esac
  unavailable silent "the batch system took no job: $message"
}

launch() {
  # One name for each request: a process number of this machine since its boot.
  read -r this_boot < /proc/sys/kernel/random/boot_id
  prepared=new.$$.$this_boot
  # Both at once, because every program that a launch runs costs as much as the command. The folder may be there.
  [ -e "$1/claim" ] || mkdir -m 700 "$1" "$1/$prepared" 2>/dev/null
  enter "$1"
  prepared=$base/$prepared
  cpus=$2 memory=$3 gpus=$4 minutes=$5
  if read_claim .; then
    rm -rf "$prepared"
    echo "$id"
    exit 0
  fi
  job=
  { read -r job < job; } 2>/dev/null
  if [ -n "$job" ]; then
    rm -rf "$prepared"
  else
    tar -x -f - -C "$prepared" || {
      rm -rf "$prepared"
      unavailable workdir "cannot write the files of the command into $workdir"
    }
    if [ "$engine" = process ]; then
      # The runner closes this pipe as soon as it has the claim, or has lost it.
      job=$(cd "$prepared" && setsid /bin/sh ./runner.sh process < /dev/null 2>/dev/null &)
      if [ -z "$job" ]; then
        read_claim . || unavailable workdir "the command's runner could not start in $workdir"
        job=$id
      fi
    else
      submit
    fi
  fi
  echo "$job"
}

# The state of all jobs in question, one a line: Q, the id, the state. X and a message if the batch system does not answer.
queue() {
  case $engine in
    slurm)
      if ask squeue -h -t all -u "$(id -un)" -o 'Q %i %T'; then echo "$answer" | grep '^Q '; else echo "X $(echo "$answer" | tail -n 1)"; fi
      ;;
    torque)
      # It fails with 153 where one of the jobs, or every job, is unknown.
      ask qstat -f
      failure=$?
      case $answer in *'Problem loading'* | *'ontact'* | *onnect*) failure=1 ;; esac
      if [ "$failure" -eq 0 ] || [ "$failure" -eq 153 ]; then
        echo "$answer" | awk '/^Job Id:/ { id = $3 } /^[ \t]*job_state = / { print "Q", id, $3 }'
      else
        echo "X $(echo "$answer" | tail -n 1)"
      fi
      ;;
  esac
}

# What the files say, as words; the agent draws the conclusions. The processes and the queue are asked before the end is read:
# what ended in between has left its end.
observe() {
  if [ "$engine" != process ]; then
    for key; do
      [ -d "$key" ] && [ ! -e "$key/end" ] && queue && break
    done
  fi
  for key; do
    [ -d "$key" ] || continue
    # On a network file system, opening the folder shows what other machines have written into it.
    [ "$engine" = process ] || ls "$key" > /dev/null
    echo "K $key"
    if read_claim "$key"; then
      echo "C $id $host $begun"
      if [ "$engine" = process ] && [ ! -e "$key/end" ]; then
        leader= leader_start=
        { read -r leader leader_start < "$key/command"; } 2>/dev/null
        if runner_is_alive || { [ -n "$leader_start" ] && [ "$boot" = "$this_boot" ] && is_alive "$leader" "$leader_start"; }; then echo A; fi
      fi
    fi
    { read -r job < "$key/job" && echo "J $job"; } 2>/dev/null
    [ -e "$key/stop" ] && echo S
    { read -r code ended why < "$key/end" && echo "E $code $ended $why"; } 2>/dev/null
  done
  set -- $(for key; do echo "$key/stdout" "$key/stderr"; done)
  stat -c 'L %n %s' "$@" 2>/dev/null
  return 0
}

wait_for_end() {
  since_boot
  deadline=$((up + $1))
  shift
  while :; do
    for key; do [ -e "$key/end" ] && echo ended && return 0; done
    since_boot
    [ "$up" -ge "$deadline" ] && return 0
    sleep 0.05
  done
}

# The part of a file from an offset.
read_file() {
  [ -f "$1" ] || exit 4
  tail -c "+$(($2 + 1))" -- "$1" 2>/dev/null | head -c "$3"
}

cancel_job() {
  case $engine in
    slurm) ask scancel "$@" "$job" ;;
    torque) ask qdel "$job" ;;
  esac
}

# Whether the job of this attempt is over for the batch system.
job_is_over() {
  states=$(queue)
  case $states in X*) unavailable silent "the batch system does not answer: ${states#X }" ;; esac
  state=$(echo "$states" | awk -v id="$job" '$2 == id || index($2, id ".") == 1 { print $3 }')
  case $state in
    '' | C | E | COMPLETED | CANCELLED | FAILED | TIMEOUT | NODE_FAIL | OUT_OF_MEMORY | BOOT_FAIL | DEADLINE | PREEMPTED) return 0 ;;
  esac
  return 1
}

say_stopped() {
  [ -e end ] || { echo "- $(now) stopped" > end.stop && mv end.stop end; }
  echo over
}

# Asks the runner to end the command (`stop`), or ends everything (`kill`). Says `over` or `alive`; is repeated until it is over.
stop() {
  how=$1 grace=$3
  enter "$2"
  if [ -e end ]; then
    echo over
    return
  fi
  echo "$grace" > stop.new && mv stop.new stop
  job=
  { read -r job < job; } 2>/dev/null
  # Once the claim is taken, no runner starts the command.
  echo "${job:--} - 0 0 - 0" > claim.stop
  ln claim.stop claim 2>/dev/null
  read_claim .
  if [ "$begun" = 0 ]; then
    # A job that ends in between can no longer be cancelled.
    [ -z "$job" ] || job_is_over || cancel_job || job_is_over || say_that_it_is_silent "the batch system"
    say_stopped
    return
  fi
  job=$id
  if [ "$engine" = process ]; then
    if runner_is_alive; then
      kill -CONT "$pid"
      if [ "$how" = kill ]; then
        kill -KILL "$pid"
        signal_members KILL
      else
        kill -TERM "$pid"
      fi
      echo alive
    elif [ "$how" = kill ]; then
      if signal_members KILL; then echo alive; else say_stopped; fi
    elif signal_members TERM; then
      signal_members CONT
      echo alive
    else
      say_stopped
    fi
  elif job_is_over; then
    # The end may have come since it was looked for.
    say_stopped
  else
    if [ "$how" = kill ]; then
      cancel_job
    elif [ "$engine" = slurm ]; then
      cancel_job --signal=TERM --batch
    fi
    echo alive
  fi
}

probe() {
  need tar awk grep date head tail stat timeout setsid ln
  [ -r /proc/self/stat ] || unavailable missing_command "there is no /proc: the cluster has to run Linux"
  case $engine in
    process)
      gpus=$(ls -d /dev/nvidia[0-9]* 2>/dev/null | wc -l)
      awk -v cpus="$(nproc)" -v gpus="$gpus" '/^MemTotal:/ { printf "cpus %d\nmemory %.0f\ngpus %d\n", cpus, $2 * 1024, gpus }' /proc/meminfo
      ;;
    slurm)
      need sbatch squeue scancel sinfo
      ask sinfo -h -N -o '%N %c %m %G' || say_that_it_is_silent sinfo
      echo "$answer" | sort -u -k 1,1 | awk '
        { cpus += $2; memory += $3; n = split($4, kinds, ","); for (i = 1; i <= n; i++) if (kinds[i] ~ /^gpu/) { sub(/\(.*/, "", kinds[i]); m = split(kinds[i], part, ":"); gpus += part[m] } }
        END { printf "cpus %d\nmemory %.0f\ngpus %d\n", cpus, memory * 1048576, gpus }'
      ;;
    torque)
      need qsub qstat qdel pbsnodes
      ask pbsnodes -a
      case $?$answer in *'np = '*) ;; *) say_that_it_is_silent pbsnodes ;; esac
      echo "$answer" | awk '
        $1 == "np" { cpus += $3 }
        $1 == "gpus" { gpus += $3 }
        match($0, /totmem=[0-9]+kb/) { memory += substr($0, RSTART + 7, RLENGTH - 9) * 1024 }
        END { printf "cpus %d\nmemory %.0f\ngpus %d\n", cpus, memory, gpus }'
      ;;
  esac
}

# Runs in a subshell of its own, which it leaves with the exit code.
answer() {
  request=$1 engine=$2 workdir=$3
  shift 3
  enter_workdir
  case $request in
    launch)
      need setsid tar
      [ "$engine" = slurm ] && need sbatch squeue
      [ "$engine" = torque ] && need qsub qstat
      launch "$@"
      ;;
    observe) observe "$@" ;;
    wait) wait_for_end "$@" ;;
    read) read_file "$@" ;;
    stop | kill) stop "$request" "$@" ;;
    remove)
      # A command may have made folders that forbid to remove what is in them.
      rm -rf -- "$1" 2>/dev/null || { chmod -R u+rwX -- "$1" && rm -rf -- "$1"; } || unavailable workdir "cannot remove $workdir/$1"
      ;;
    probe) probe ;;
  esac
}

say() {
  printf '\n%s %s\n' "$mark" "$1"
  printf '\n%s %s\n' "$mark" "$1" >&2
}

# The bytes that a request did not want are not the next request.
drain() {
  IFS= read -r rest && cat > /dev/null
}

IFS= read -r mark
say ready
while IFS= read -r count; do
  set --
  while [ "$count" -gt 0 ]; do
    IFS= read -r line
    case $line in
      *\\*) value=$(printf '%bx' "$line") value=${value%x} ;;
      *) value=$line ;;
    esac
    set -- "$@" "$value"
    count=$((count - 1))
  done
  IFS= read -r size
  if [ "$1" = wait ]; then
    # The wait ends with an empty line, or with the process that waits. What it has begun to say, it says to the end: an agent waits for all of an answer.
    (trap 'code=$?; trap "" TERM; say "$code"' EXIT; answer "$@") < /dev/null &
    IFS= read -r line
    kill "$!" 2> /dev/null
    wait "$!" 2> /dev/null
    say over
  elif [ "$size" -gt 0 ]; then
    head -c "$size" | (trap 'code=$?; drain; say "$code"' EXIT; answer "$@")
  else
    (trap 'say $?' EXIT; answer "$@") < /dev/null
  fi
done
