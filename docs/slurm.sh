#!/bin/bash
# A suite on a Slurm cluster: Ray on every node of the allocation, for as long as the suite runs.
#
#     sbatch [--nodes=2 --cpus-per-task=16 --gpus-per-node=4 ...] docs/slurm.sh SUITE SHARED
#
# Submit it where the repository lies, on a file system that all nodes see, after `make install cluster` there. SHARED is a folder that
# all nodes see too: results travel through it, and states of trainings lie in it. When the allocation's time is up, submit the same
# again: done stages stay done, and trainings go on from their last states. See docs/cluster.md.
#
#SBATCH --job-name=selfsparse
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --exclusive
#SBATCH --time=24:00:00

set -euo pipefail
suite=${1:?usage: sbatch docs/slurm.sh SUITE SHARED}
shared=$(realpath -m "${2:?usage: sbatch docs/slurm.sh SUITE SHARED}")
source .venv/bin/activate

export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK # since Slurm 22.05 srun does not take it from sbatch
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=$shared/ray_auth_token
export RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT=600 # seconds; Ray's own 30 are few where Python lies on a shared file system
mkdir -p "$shared"
test -s "$RAY_AUTH_TOKEN_PATH" || (umask 077 && openssl rand -hex 32 > "$RAY_AUTH_TOKEN_PATH")

scratch=${TMPDIR:-/tmp}/selfsparse-$SLURM_JOB_ID
trap 'srun --overlap rm -rf "$scratch"' EXIT
first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
address=$(srun --nodes=1 --ntasks=1 --nodelist="$first" hostname -I | awk '{print $1}'):6379

srun --kill-on-bad-exit ray symmetric-run --address "$address" --min-nodes "$SLURM_NNODES" \
  --num-cpus="$SLURM_CPUS_PER_TASK" --num-gpus="${SLURM_GPUS_ON_NODE:-0}" -- \
  python -m pipeline.distribute "$suite" --address "$address" --remote "$shared/dvc" --scratch "$scratch" \
  --checkpoints "$shared/checkpoints"
