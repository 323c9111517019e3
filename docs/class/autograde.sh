#!/bin/sh
# Grades what students handed in, the teacher's course folder being ~teacher/stateviz. As root:
#   sh autograde.sh 03_stateful
# It runs the students' code, so it runs it apart: without a network (so without the hub), and of
# all homes it sees one folder, in which it may write the graded copies and the grades alone.
set -eu
assignment=$1
home=$(getent passwd teacher | cut -d: -f6)
course=$home/stateviz
bin=${CLASS_BIN:-/opt/stateviz/.venv/bin}
install -d -m 700 -o teacher -g "$(id -gn teacher)" "$course/autograded" "$course/gradebook"
exec systemd-run --wait --pipe --collect --quiet --uid=teacher --working-directory="$course" \
    -p ProtectHome=tmpfs -p "BindReadOnlyPaths=$course" \
    -p "BindPaths=$course/autograded" -p "BindPaths=$course/gradebook" \
    -p PrivateNetwork=yes -p PrivateTmp=yes -p PrivateDevices=yes -p PrivateIPC=yes \
    -p ProtectProc=invisible -p ProtectSystem=strict -p NoNewPrivileges=yes -p UMask=0077 \
    -p "InaccessiblePaths=-/usr/local/share/nbgrader -/srv/class" \
    -p MemoryMax=2G -p MemorySwapMax=0 -p TasksMax=256 -p RuntimeMaxSec=3600 \
    -E HOME=/tmp -E PATH="$bin:/usr/bin:/bin" -E KERAS_BACKEND=tensorflow -E STATEVIZ_CLASS_MODE=0 \
    "$bin/nbgrader" autograde "$assignment"
