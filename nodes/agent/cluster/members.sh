# Which processes belong to a command, and how all of them end. Part of the runner and of the requests.
# `base` is the folder of the attempt; the file `command` in it names the command's first process.

# For $(now), which is one process so.
now() { exec date +%s%3N; }

# Sets `up` to the milliseconds since the boot, to the next 10: for what is asked again and again, because `date` is a process.
since_boot() {
  read -r up _ < /proc/uptime
  up=${up%.*}${up#*.}0
}

# Sets `started` to the start time of a process in clock ticks after the boot; fails if it is gone or a zombie.
start_time() {
  { read -r stat < "/proc/$1/stat"; } 2>/dev/null || return 1
  # The name of the program stands in parentheses and may hold anything. After it come the fields 3 to 22 and more.
  set -- ${stat##*) }
  case ${1:-gone} in Z | X | gone) return 1 ;; esac
  started=${20}
}

# Whether a process that was recorded as `pid start-time` still runs: a number that the kernel gave away again is another process.
is_alive() { start_time "$1" && [ "$started" = "$2" ]; }

# Prints the processes of the command: those that inherited its mark, those of its session, and what they started. A process
# that made a session of its own keeps the mark; one that cleared its environment keeps its session or its parent.
members() {
  leader=0 leader_start=0
  { read -r leader leader_start < "$base/command"; } 2>/dev/null
  marked=$(grep -lzxF -e "TUTTI_LAUNCH=$base" /proc/[0-9]*/environ 2>/dev/null)
  cat /proc/[0-9]*/stat 2>/dev/null | awk -v leader="${leader:-0}" -v start="${leader_start:-0}" -v marked="${marked:+$(echo $marked)}" '
    BEGIN { n = split(marked, list, " "); for (i = 1; i <= n; i++) { split(list[i], part, "/"); member[part[3]] = 1 } }
    {
      pid = $1; sub(/^.*\) /, "")
      if ($1 == "Z" || $1 == "X") next
      parent[pid] = $2; session[pid] = $4
      if (pid == leader && $20 != start) reused = 1
    }
    END {
      for (pid in parent) if (leader > 0 && !reused && session[pid] == leader) member[pid] = 1
      do {
        grown = 0
        for (pid in parent) if (!(pid in member) && parent[pid] in member) { member[pid] = 1; grown = 1 }
      } while (grown)
      for (pid in member) if (pid in parent) print pid
    }'
}

# Sends a signal to every process of the command; fails if there is none.
signal_members() {
  pids=$(members)
  [ -n "$pids" ] && kill "-$1" $pids 2>/dev/null
  [ -n "$pids" ]
}

# Whether one of these processes still runs; no process is started to find out.
any_alive() {
  for one in $1; do start_time "$one" && return 0; done
  return 1
}

# SIGTERM to all, SIGKILL to what is left after so many milliseconds. To look for members is to read all of /proc, which hundreds of commands that end at once
# would do all the time: those that are known are waited for, and others are looked for when they are gone, and every second.
end_members() {
  signal_members TERM || return 0
  kill -CONT $pids 2>/dev/null
  since_boot
  deadline=$((up + $1)) search=$((up + 1000))
  while [ "$up" -lt "$deadline" ]; do
    if [ "$up" -ge "$search" ] || ! any_alive "$pids"; then
      pids=$(members)
      [ -z "$pids" ] && return 0
      search=$((up + 1000))
    fi
    sleep 0.1
    since_boot
  done
  while signal_members KILL; do sleep 0.05; done
}
