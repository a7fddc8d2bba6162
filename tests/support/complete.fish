# complete.fish PROGRAM LINE -- what fish would offer for the last word of the line; one a line.
$argv[1] completion fish | source
complete -C $argv[2] | string replace -r '\t.*' ''
