#!/bin/sh
# Prints the command of a Python 3.11, 3.12 or 3.13 that can make a virtual environment.
# Each candidate is run: a pyenv shim, or Windows' alias of its shop, has the name and no Python.
# PYTHON=... names one more candidate, tried first.

without_venv=
for candidate in "${PYTHON:-}" python3 python python3.13 python3.12 python3.11 \
    "py -3.13" "py -3.12" "py -3.11"; do
    # Unquoted on purpose: "py -3.13" is a command and its option.
    version=$($candidate -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    case $version in
    3.11 | 3.12 | 3.13)
        if $candidate -c 'import ensurepip, venv' 2>/dev/null; then
            printf '%s\n' "$candidate"
            exit 0
        fi
        without_venv="${without_venv:-$candidate (Python $version)}"
        ;;
    esac
done

conda='conda env create -f environment.yml && conda activate stateviz && python -m tools.launch_lab'
if [ -n "$without_venv" ]; then
    echo "stateviz found $without_venv, but its modules venv and ensurepip are missing:" \
        "on Debian or Ubuntu, sudo apt install python3-venv adds them; or use conda: $conda" >&2
else
    echo "stateviz needs Python 3.11, 3.12 or 3.13, and found none as python3, python, python3.13," \
        "python3.12, python3.11 or py; with conda: $conda" >&2
fi
exit 1
