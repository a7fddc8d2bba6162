#!/bin/sh
# compdb.sh 'COMPILER FLAGS' FILE... -- compile_commands.json on standard output.
set -eu
command=$(printf '%s' "$1" | sed 's/\\/\\\\/g; s/"/\\"/g')
shift
separator='['
for file; do
    printf '%s\n {"directory": "%s", "file": "%s", "command": "%s -c %s"}' "$separator" "$PWD" "$file" "$command" "$file"
    separator=','
done
printf '\n]\n'
