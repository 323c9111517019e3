#!/bin/sh
# Makes an account for each line of a file, name:password, and puts the lessons into it. As root:
#   sh accounts.sh students.txt /opt/stateviz/.venv/bin/python
# A name is a Linux account's: small letters and digits. Whoever is there already gets the password
# of the file, and keeps the lessons as they are. It takes some four seconds an account.
set -eu
getent group students >/dev/null || groupadd students
# A last line without an end counts too, and a file from Windows is read as one from here.
tr -d '\r' <"$1" | while IFS=: read -r name password || [ -n "$name" ]; do
    [ -n "$name" ] || continue
    id "$name" >/dev/null 2>&1 || useradd --create-home --shell /bin/bash --groups students "$name"
    printf '%s:%s\n' "$name" "$password" | chpasswd
    home=$(getent passwd "$name" | cut -d: -f6)
    chmod 700 "$home"
    # Another name first: a copy that was cut short is not taken for the lessons.
    [ -e "$home/course" ] || su "$name" -c "cd && '$2' -m stateviz lessons --overwrite .course &&
        mv .course course" </dev/null
done
