# complete.zsh PROGRAM LINE -- what becomes of the line when Tab is pressed at its end, in a real
# zsh on a terminal of its own.
zmodload zsh/zpty
program=$1 line=$2
zpty z zsh -f -i
zpty -w z "PS1= PS2= ; autoload -Uz compinit; compinit -u -D; source <('$program' completion zsh)"
zpty -w z 'show() { print; print -r -- "LINE<$BUFFER>"; }; zle -N show; bindkey "^X" show; bindkey "^I" complete-word'
zpty -w z 'print BE""GIN'
zpty -r z out '*BEGIN*'
zpty -w -n z "$line"$'\t'$'\x18'
zpty -r z out '*LINE<*>*'
print -r -- "${${out##*LINE<}%%>*}"
zpty -d z
