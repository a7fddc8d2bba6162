/* assets.S -- the files of assets.h, read-only. CHART_JS is the path of Chart.js (see Makefile). */
    .section .rodata.report_assets, "a"

    .global report_asset_css, report_asset_css_end
report_asset_css:
    .incbin "theme.css"
    .incbin "report.css"
report_asset_css_end:
    .byte 0

    .global report_asset_script, report_asset_script_end
report_asset_script:
    .incbin "template.js"
    .incbin "charts.js"
    .incbin "report.js"
report_asset_script_end:
    .byte 0

    .global report_asset_chart, report_asset_chart_end
report_asset_chart:
    .incbin CHART_JS
report_asset_chart_end:
    .byte 0

    .section .note.GNU-stack, "", %progbits
