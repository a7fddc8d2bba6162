/* assets.S -- the files of assets.h, read-only. */
    .section .rodata.ui_assets, "a"

    .global ui_asset_index, ui_asset_index_end
ui_asset_index:
    .incbin "index.html"
ui_asset_index_end:
    .byte 0

    .global ui_asset_css, ui_asset_css_end
ui_asset_css:
    .incbin "theme.css"
    .incbin "ui.css"
ui_asset_css_end:
    .byte 0

    .global ui_asset_live, ui_asset_live_end
ui_asset_live:
    .incbin "draw.js"
    .incbin "run.js"
    .incbin "race.js"
    .incbin "live.js"
ui_asset_live_end:
    .byte 0

    .global ui_asset_saved, ui_asset_saved_end
ui_asset_saved:
    .incbin "draw.js"
    .incbin "race.js"
    .incbin "saved.js"
ui_asset_saved_end:
    .byte 0

    .section .note.GNU-stack, "", %progbits
