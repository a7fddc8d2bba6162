/* asset_list.h -- which files are built into the program, for C and for the assembler alike.
 *
 * Layer: http. A new file of pages/ is a new row here; tests/unit/test_assets.c compares them.
 */
#pragma once

/* X(id, the name in pages/ and below /ui/, what it is). The first is also what `/` shows. */
/* clang-format off */
#define ASSET_PAGES(X) \
    X(index, "index.html", CONTENT_HTML) \
    X(style, "ui.css",     CONTENT_CSS) \
    X(ui,    "ui.js",      CONTENT_SCRIPT) \
    X(icon,  "icon.svg",   CONTENT_SVG)
/* clang-format on */
