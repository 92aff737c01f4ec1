#!/bin/sh
# Torque starts a job in the home folder; Slurm's qsub starts it where it was submitted.
cd "${PBS_O_WORKDIR:-.}" || exit 1
exec /bin/sh ./runner.sh torque
