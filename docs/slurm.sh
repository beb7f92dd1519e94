#!/bin/bash
# A suite on a Slurm cluster: Ray on every node of the allocation, for as long as the suite runs.
#
#     sbatch [--nodes=4 --cpus-per-task=64 --gpus-per-node=4 ...] docs/slurm.sh SUITE SHARED [options of selfsparse distribute]
#
# Submit it from a clone of the repository that all nodes see, after `make install cluster` there. SHARED is a folder that all nodes see
# too: results travel through it, and states of trainings lie in it. See docs/cluster.md.
#
#SBATCH --job-name=selfsparse
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --exclusive
#SBATCH --mem=0
#SBATCH --time=24:00:00
#SBATCH --signal=B:TERM@300

set -euo pipefail
usage="usage: sbatch docs/slurm.sh SUITE SHARED [options of selfsparse distribute]"
suite=${1:?$usage}
shared=$(realpath -m "${2:?$usage}")
shift 2
scratch=${TMPDIR:-/tmp}/selfsparse-$SLURM_JOB_ID
source .venv/bin/activate

mkdir -p "$shared"
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=$shared/ray_auth_token
test -s "$RAY_AUTH_TOKEN_PATH" || (umask 077 && openssl rand -hex 32 > "$RAY_AUTH_TOKEN_PATH")
export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK # since Slurm 22.05 srun does not take it from sbatch

workers=
clean() {
  ray stop > /dev/null || true
  [[ -z $workers ]] || kill "$workers" || true
  srun --overlap rm -rf "$scratch" || true
}
trap clean EXIT

# This script runs on the first node of the allocation, which is Ray's head.
address=$(hostname -I | awk '{print $1}'):6379
ray start --head --node-ip-address="${address%:*}" --port=6379 --num-cpus="$SLURM_CPUS_PER_TASK"
if ((SLURM_NNODES > 1)); then
  srun --nodes=$((SLURM_NNODES - 1)) --ntasks=$((SLURM_NNODES - 1)) --exclude="$SLURMD_NODENAME" \
    ray start --address="$address" --num-cpus="$SLURM_CPUS_PER_TASK" --block &
  workers=$!
fi

selfsparse distribute "$suite" --address "$address" --remote "$shared/dvc" --scratch "$scratch" \
  --checkpoints "$shared/checkpoints" "$@" &
run=$!
# Before the time is up: stages are told to end when nobody waits for them any more, and trainings save their states.
trap 'kill "$run"; sleep 30' TERM
wait "$run"
