#!/bin/sh
# Makes an account for each line of a file, name:password, and puts the lessons into it. As root:
#   sh accounts.sh students.txt /opt/stateviz/.venv/bin/python
# The file must be root's and readable by root alone (mode 600); once the accounts are there it is
# deleted, because the system keeps the passwords hashed. A name is small letters and digits.
# Whoever has an account already gets the new password and keeps the lessons as they are.
set -eu
file=$1 python=$2
if [ -L "$file" ] || [ "$(stat -c '%u %a' "$file")" != '0 600' ]; then
    echo "$file holds passwords and others may read or replace it. Mend it, and run this again:" >&2
    echo "  chown root '$file' && chmod 600 '$file'" >&2
    exit 1
fi
# A last line without an end counts too, and a file from Windows is read as one from here.
lines=$(tr -d '\r' <"$file" | grep -v '^[[:space:]]*$' || true)
if printf '%s\n' "$lines" | grep -qvE '^[a-z][a-z0-9]{0,30}:.+$'; then
    echo "Each line of $file must be name:password, the name of small letters and digits." >&2
    exit 1
fi
getent group students >/dev/null || groupadd students
printf '%s\n' "$lines" | while IFS=: read -r name password; do
    # No login shell: an account is used through the hub, where its limits hold.
    id "$name" >/dev/null 2>&1 || useradd --create-home --shell /usr/sbin/nologin "$name"
    if [ "$(id -u "$name")" -lt 1000 ]; then
        echo "$name is an account of the system: choose another name." >&2
        exit 1
    fi
    usermod --append --groups students "$name"
    printf '%s:%s\n' "$name" "$password" | chpasswd
    home=$(getent passwd "$name" | cut -d: -f6)
    chmod 700 "$home"
    # Another name first: a copy that was cut short is not taken for the lessons.
    [ -e "$home/course" ] || (cd "$home" && runuser -u "$name" -- sh -c '
        export HOME=$2
        "$1" -m stateviz lessons --overwrite .course && mv .course course' - "$python" "$home") </dev/null
done
shred --remove "$file"

# What students hand in: only the teacher may replace what the teacher put there (sticky bit), and
# nobody sees or moves another's answers. The course's folders are made before any student can.
if id teacher >/dev/null 2>&1; then
    exchange=/usr/local/share/nbgrader/exchange group=$(id -gn teacher)
    if [ -e "$exchange/stateviz" ] && [ "$(stat -c %U "$exchange/stateviz")" != teacher ]; then
        echo "$exchange/stateviz is not the teacher's: look at it, remove it, run this again." >&2
        exit 1
    fi
    install -d -m 1777 "$exchange"
    install -d -m 755 -o teacher -g "$group" "$exchange/stateviz" "$exchange/stateviz/outbound"
    install -d -m 3733 -o teacher -g "$group" "$exchange/stateviz/inbound"
fi
