# complete.bash PROGRAM WORD... -- what bash would offer for the last word, by the script that the
# program prints; one a line.
program=$1
shift
name=${program##*/}
source <("$program" completion bash) || exit 1
COMP_WORDS=("$name" "$@")
COMP_CWORD=$#
compopt() { :; } # there is no completion under way that it could change
"_$name" "$name" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
