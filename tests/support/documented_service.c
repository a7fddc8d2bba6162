#include "support/documented_service.h"
#include "support/documented.h"
#include "support/fixture.h"

#include <string.h>

#define LIVE_IS(code)                                                                              \
    (http_call(&a->conn, "GET", "/v1/live", NULL, NULL, &a->resp) == 0 && a->resp.status == (code))

void reads_of_the_service_are_answered_as_documented(void **state)
{
    json_t *name;
    size_t i;
    visit(200, "healthz", "/healthz", NULL, NULL);
    visit(200, "headHealthz", "/healthz", NULL, NULL);
    visit(200, "readyz", "/readyz", NULL, NULL);
    visit(200, "headReadyz", "/readyz", NULL, NULL);
    visit(200, "metrics", "/metrics", NULL, NULL);
    assert_non_null(strstr(a->resp.body, "# TYPE stockd_conflicts_total counter"));
    visit(200, "headMetrics", "/metrics", NULL, NULL);
    visit(200, "openapi", "/openapi.json", NULL, NULL);
    visit(200, "headOpenapi", "/openapi.json", NULL, NULL);
    visit(200, "index", "/", NULL, NULL);
    visit(200, "headIndex", "/", NULL, NULL);
    visit(200, "self", "/v1/self", NULL, NULL);
    visit(200, "headSelf", "/v1/self", NULL, NULL);
    visit(200, "service", "/v1/service", NULL, NULL);
    visit(200, "headService", "/v1/service", NULL, NULL);
    visit(202, "audit", "/v1/audits", NULL, "{}");
    visit(200, "lookAtAudit", "/v1/audits", NULL, NULL);
    visit(200, "headAudit", "/v1/audits", NULL, NULL);
    visit_problem(422, "invalid-field", "audit", "/v1/audits", NULL, "{\"x\":1}");
    visit_problem(400, "malformed-json", "audit", "/v1/audits", NULL, "{");
    json_array_foreach(documented("#/components/schemas/ProblemName/enum"), i, name)
        visit(200, "problem", text("/problems/%s", json_string_value(name)), NULL, NULL);
    visit(200, "headProblem", "/problems/overloaded", NULL, NULL);
    visit(404, "headProblem", "/problems/none", NULL, NULL);
    assert_true(await(LIVE_IS(200), RECOVERY_MS));
    visit(200, "watchLive", "/v1/live", NULL, NULL);
    visit(200, "headLive", "/v1/live", NULL, NULL);
    kill(pid_of(TSERVICE_KEEPER), SIGSTOP);
    assert_true(await(LIVE_IS(503), RECOVERY_MS));
    visit_problem(503, "live-unavailable", "watchLive", "/v1/live", NULL, NULL);
    kill(pid_of(TSERVICE_KEEPER), SIGCONT);
    visit_problem(404, "route-not-found", "problem", "/problems/none", NULL, NULL);
}

void files_of_the_dashboard_are_answered_as_documented(void **state)
{
    static const char *const files[] = {"index.html", "ui.css", "ui.js", "icon.svg", "chart.js"};
    char tag[32];
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        visit(200, "page", text("/ui/%s", files[i]), NULL, NULL);
    visit(200, "headPage", "/ui/ui.js", NULL, NULL);
    assert_non_null(http_resp_header(&a->resp, "ETag", tag, sizeof(tag)));
    visit(304, "page", "/ui/ui.js", text("If-None-Match: %s\r\n", tag), NULL);
    visit(304, "index", "/", "If-None-Match: *\r\n", NULL);
    visit_problem(404, "route-not-found", "page", "/ui/none", NULL, NULL);
    visit(404, "headPage", "/ui/none", NULL, NULL);
}
