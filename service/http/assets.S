/* assets.S -- the files of assets.h, read-only, found by the assembler's include path. */
    .section .rodata.assets, "a"

    .global asset_openapi, asset_openapi_end
asset_openapi:
    .incbin "openapi.json"
asset_openapi_end:
    .byte 0

    .global asset_index, asset_index_end
asset_index:
    .incbin "index.html"
asset_index_end:
    .byte 0

    .section .note.GNU-stack, "", %progbits
