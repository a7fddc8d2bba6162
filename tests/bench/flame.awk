# flame.awk -- from sorted folded stacks to an SVG flame graph: width is processor time, above a function
# stand those that it called. Give -v title=TEXT. Its frames say name and share when the mouse is over them.
function escape(text) {
    gsub(/&/, "\\&amp;", text)
    gsub(/</, "\\&lt;", text)
    gsub(/>/, "\\&gt;", text)
    return text
}
function box(depth, from, to) {
    rows++
    row[rows] = depth "\t" from "\t" to "\t" open[depth]
    if (depth > deepest)
        deepest = depth
}
# Ends the frames that the next stack does not share.
function close_from(depth,    d) {
    for (d = opened; d >= depth; d--)
        box(d, begun[d], total)
    opened = depth - 1
}
function colour(name,    hash, i) {
    for (i = 1; i <= length(name); i++)
        hash = (hash * 31 + index("abcdefghijklmnopqrstuvwxyz_0123456789", substr(name, i, 1))) % 1000
    if (name ~ /_\[k\]$/)
        return sprintf("rgb(%d,%d,%d)", 90 + hash % 50, 140 + hash % 60, 200 + hash % 40)
    return sprintf("rgb(%d,%d,%d)", 215 + hash % 40, 110 + hash % 110, 50 + hash % 40)
}
{
    count = $NF
    sub(/ [0-9]+$/, "")
    depth = split($0, frames, ";")
    for (same = 1; same <= depth && same <= opened && frames[same] == open[same]; same++)
        ;
    close_from(same)
    for (d = same; d <= depth; d++) {
        open[d] = frames[d]
        begun[d] = total
    }
    opened = depth
    total += count
}
END {
    close_from(1)
    width = 1200
    high = 16
    height = (deepest + 2) * high + 30
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"monospace\" font-size=\"11\">\n", width, height
    printf "<rect width=\"100%%\" height=\"100%%\" fill=\"#fdf6ec\"/>\n<text x=\"8\" y=\"18\" font-size=\"14\">%s</text>\n", escape(title)
    for (i = 1; i <= rows; i++) {
        split(row[i], part, "\t")
        x = part[2] / total * width
        w = (part[3] - part[2]) / total * width
        if (w < 0.3)
            continue
        y = height - (part[1] + 1) * high
        name = part[4]
        sub(/_\[k\]$/, "", name)
        fits = int((w - 4) / 6.7)
        shown = fits < 3 ? "" : length(name) <= fits ? name : substr(name, 1, fits - 2) ".."
        printf "<g><title>%s: %.2f%%</title><rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\" stroke=\"#fdf6ec\" stroke-width=\"0.5\"/>",
            escape(name), (part[3] - part[2]) / total * 100, x, y, w, high, colour(part[4])
        printf "<text x=\"%.1f\" y=\"%d\">%s</text></g>\n", x + 2, y + 12, escape(shown)
    }
    print "</svg>"
}
