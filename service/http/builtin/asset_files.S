/* asset_files.S -- the files of asset_list.h and assets.h, read-only, found by the assembler's include
 * path. CHART_JS is the path of Chart.js (see Makefile). */
#include "http/builtin/asset_list.h"

#define ASSET(id, file)                                                                            \
    .global asset_##id, asset_##id##_end;                                                          \
    asset_##id: .incbin file;                                                                      \
    asset_##id##_end: .byte 0;
#define PAGE(id, file, content) ASSET(id, file)

    .section .rodata.assets, "a"

    ASSET(openapi, "openapi.json")
    ASSET(chart, CHART_JS)
    ASSET_PAGES(PAGE)

    .section .note.GNU-stack, "", %progbits
