/* asset_list.h -- which files are built into the program, for C and for the assembler alike.
 *
 * Layer: http. A new file of pages/ is a new row here; tests/unit/test_assets.c compares them.
 * theme.css is that of common/page/, which the load generator's reports have too.
 */
#pragma once

/* X(id, the name in pages/ and below /ui/, what it is). The first is also what `/` shows. */
/* clang-format off */
#define ASSET_PAGES(X) \
    X(index,             "index.html",           CONTENT_HTML) \
    X(theme,             "theme.css",            CONTENT_CSS) \
    X(style,             "ui.css",               CONTENT_CSS) \
    X(forms_style,       "forms.css",            CONTENT_CSS) \
    X(icon,              "icon.svg",             CONTENT_SVG) \
    X(ui,                "ui.js",                CONTENT_SCRIPT) \
    X(api,               "api.js",               CONTENT_SCRIPT) \
    X(audit,             "audit.js",             CONTENT_SCRIPT) \
    X(calls,             "calls.js",             CONTENT_SCRIPT) \
    X(dialog,            "dialog.js",            CONTENT_SCRIPT) \
    X(dom,               "dom.js",               CONTENT_SCRIPT) \
    X(format,            "format.js",            CONTENT_SCRIPT) \
    X(health,            "health.js",            CONTENT_SCRIPT) \
    X(holds,             "holds.js",             CONTENT_SCRIPT) \
    X(hottest,           "hottest.js",           CONTENT_SCRIPT) \
    X(inputs,            "inputs.js",            CONTENT_SCRIPT) \
    X(item,              "item.js",              CONTENT_SCRIPT) \
    X(item_forms,        "item_forms.js",        CONTENT_SCRIPT) \
    X(items,             "items.js",             CONTENT_SCRIPT) \
    X(levels,            "levels.js",            CONTENT_SCRIPT) \
    X(live,              "live.js",              CONTENT_SCRIPT) \
    X(login,             "login.js",             CONTENT_SCRIPT) \
    X(movements,         "movements.js",         CONTENT_SCRIPT) \
    X(operations,        "operations.js",        CONTENT_SCRIPT) \
    X(overview,          "overview.js",          CONTENT_SCRIPT) \
    X(pager,             "pager.js",             CONTENT_SCRIPT) \
    X(plots,             "plots.js",             CONTENT_SCRIPT) \
    X(reservation,       "reservation.js",       CONTENT_SCRIPT) \
    X(reservation_forms, "reservation_forms.js", CONTENT_SCRIPT) \
    X(reservations,      "reservations.js",      CONTENT_SCRIPT) \
    X(search,            "search.js",            CONTENT_SCRIPT) \
    X(session,           "session.js",           CONTENT_SCRIPT) \
    X(stock,             "stock.js",             CONTENT_SCRIPT) \
    X(story,             "story.js",             CONTENT_SCRIPT) \
    X(stream,            "stream.js",            CONTENT_SCRIPT) \
    X(tiles,             "tiles.js",             CONTENT_SCRIPT) \
    X(time,              "time.js",              CONTENT_SCRIPT) \
    X(transcript,        "transcript.js",        CONTENT_SCRIPT) \
    X(try_it,            "try.js",               CONTENT_SCRIPT)
/* clang-format on */
