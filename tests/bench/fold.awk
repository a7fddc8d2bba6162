# fold.awk -- from `perf script` to folded stacks: "outermost;...;innermost count", a line a stack; to the
# file of -v self=FILE "object function count" of the innermost frames, a blank between them.
#
# A frame of a library without symbols is shown by the library's name, several in a row as one: it has no
# frame pointers either, so how many there are means nothing.
function frame(line,    name) {
    object = line
    sub(/^.*\(/, "", object)
    sub(/\)$/, "", object)
    sub(/^.*\//, "", object)
    name = line
    sub(/^[ \t]*[0-9a-f]+ /, "", name)
    sub(/ \([^()]*\)$/, "", name)
    sub(/\+0x[0-9a-f]+$/, "", name)
    gsub(/[; ]/, "_", name)
    if (name == "[unknown]")
        name = "[" object "]"
    return object ~ /^\[(kernel|guest)/ ? name "_[k]" : name
}
function flush() {
    if (stack != "")
        count[stack]++
    stack = ""
}
/^[^ \t]/ { flush(); next }
/^$/ { flush(); next }
{
    one = frame($0)
    if (stack == "")
        own[object " " one]++
    else if (one == last && one ~ /^\[/)
        next
    stack = stack == "" ? one : one ";" stack
    last = one
}
END {
    flush()
    for (stack in count)
        print stack, count[stack]
    for (one in own)
        print one, own[one] >self
}
