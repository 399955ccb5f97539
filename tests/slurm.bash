# A Slurm of one node, private to the test that starts it: own keys, ports, sockets and folders; needs root, as slurmd
# does. slurm_start sets SLURM_CONF and SLURM_HOME, or skips; slurm_stop belongs in the teardown, and is safe at any time.

# No port that anything listens on, three in a row for the caller.
free_ports() {
  local port taken
  taken=$(awk 'FNR > 1 { sub(/.*:/, "", $2); print $2 }' /proc/net/tcp /proc/net/tcp6 2>/dev/null)
  for ((port = 20000 + RANDOM % 10000; port < 32000; port += 3)); do
    grep -qixE "$(printf '%04X|%04X|%04X' $port $((port + 1)) $((port + 2)))" <<<"$taken" || { echo $port; return; }
  done
  return 1
}

# wait_until SECONDS COMMAND...: true once the command is, false if it is not by then.
wait_until() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.2
  done
}

slurm_start() {
  local host cpus=${1:-4} port
  needs slurmctld slurmd munged sbatch
  [ "$(id -u)" -eq 0 ] || skip "slurmd runs as root alone"
  host=$(hostname -s)
  port=$(free_ports)
  SLURM_HOME=$(mktemp -d /tmp/slurm.XXXXXX) # paths of sockets are short
  export SLURM_HOME SLURM_CONF=$SLURM_HOME/slurm.conf
  mkdir "$SLURM_HOME"/{munge,state,spool,log}
  head -c 128 /dev/urandom >"$SLURM_HOME/munge/key"
  chmod 700 "$SLURM_HOME/munge" && chmod 400 "$SLURM_HOME/munge/key"
  chmod 711 "$SLURM_HOME" "$SLURM_HOME/munge"
  cat >"$SLURM_CONF" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$SLURM_HOME/munge/socket,cred_expire=5
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,batch_sched_delay=0,sched_min_interval=100000,requeue_delay=0
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
JobRequeue=1
ReturnToService=2
MpiDefault=none
KillWait=5
MinJobAge=300
StateSaveLocation=$SLURM_HOME/state
SlurmdSpoolDir=$SLURM_HOME/spool
SlurmctldPidFile=$SLURM_HOME/slurmctld.pid
SlurmdPidFile=$SLURM_HOME/slurmd.pid
SlurmctldLogFile=$SLURM_HOME/log/slurmctld
SlurmdLogFile=$SLURM_HOME/log/slurmd
SlurmdParameters=config_overrides
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cpus RealMemory=1000 State=UNKNOWN
PartitionName=test Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
  # Descriptor 3 is that of bats, which waits for all who hold it.
  timeout 20 munged --force --key-file="$SLURM_HOME/munge/key" --socket="$SLURM_HOME/munge/socket" \
    --pid-file="$SLURM_HOME/munge/pid" --log-file="$SLURM_HOME/munge/log" --seed-file="$SLURM_HOME/munge/seed" \
    >"$SLURM_HOME/log/start" 2>&1 3>&- &&
    timeout 20 slurmctld -c >>"$SLURM_HOME/log/start" 2>&1 3>&- &&
    timeout 20 slurmd -c >>"$SLURM_HOME/log/start" 2>&1 3>&- &&
    wait_until 30 slurm_is_idle || {
    tail -n 5 "$SLURM_HOME"/log/* "$SLURM_HOME/munge/log" >&2
    slurm_stop
    skip "slurm cannot start here"
  }
}

slurm_is_idle() { [ "$(timeout 10 sinfo -h -o %T)" = idle ]; }

slurm_stop() {
  local daemon pid
  [ -n "${SLURM_HOME-}" ] && [ -d "$SLURM_HOME" ] || return 0
  timeout 10 scancel --user=root >/dev/null 2>&1 || true
  timeout 10 scontrol shutdown >/dev/null 2>&1 || true
  for daemon in slurmctld.pid slurmd.pid munge/pid; do
    pid=$(cat "$SLURM_HOME/$daemon" 2>/dev/null) || continue
    kill "$pid" 2>/dev/null || true
    wait_until 10 slurm_is_gone "$pid" || kill -9 "$pid" 2>/dev/null || true
  done
  rm -rf "$SLURM_HOME"
  unset SLURM_HOME SLURM_CONF
}

slurm_is_gone() { ! kill -0 "$1"; }

# slurm_wait SECONDS JOB...: until none of them is queued or runs.
slurm_wait() {
  local seconds=$1
  shift
  wait_until "$seconds" slurm_is_done "$@"
}

slurm_is_done() {
  local job
  for job in "$@"; do [ -z "$(timeout 10 squeue -h -j "$job" 2>/dev/null)" ] || return 1; done
}

# slurm_runs JOB: it is at work.
slurm_runs() { [ "$(timeout 10 squeue -h -o %T -j "$1")" = RUNNING ]; }
