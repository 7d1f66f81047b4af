"""Text for people: what each command says on a terminal."""

from firewright.model.service_table import ServiceMatrix
from firewright.reports._accounts import AccountRows, accounts_text
from firewright.reports._anomalies import Anomalies, anomalies_text
from firewright.reports._answers_text import answers_text
from firewright.reports._audited import WouldCut, would_cut_text
from firewright.reports._change import Plan, Step, plan_text, step_text
from firewright.reports._comparison_text import comparison_text
from firewright.reports._contrast import Contrasted, contrast_text
from firewright.reports._documents import DocumentReading, ProposedPolicy, document_text, proposed_text
from firewright.reports._drift import Drift, drift_text
from firewright.reports._explanation_text import explanation_text
from firewright.reports._findings_text import findings_text
from firewright.reports._generations import (
    Generations,
    GenerationsCompared,
    GenerationText,
    compared_text,
    generation_text,
    generations_text,
)
from firewright.reports._listening import ListingReading, listing_text
from firewright.reports._probe import Probed, probe_text
from firewright.reports._rehearsal import rehearsal_text
from firewright.reports._requests import (
    CheckedRequest,
    ExceptionList,
    LogRows,
    LogVerdict,
    RequestList,
    RequestShown,
    checked_text,
    exceptions_text,
    log_text,
    log_verdict_text,
    request_text,
    requests_text,
)
from firewright.reports._result import (
    Answers,
    Audit,
    Comparison,
    Compilation,
    Explanation,
    Findings,
    Reading,
    Rehearsal,
    Renderers,
    TestRun,
)
from firewright.reports._rollout import Rollout, rollout_text
from firewright.reports._route import RouteAnswers, route_text
from firewright.reports._running_text import audit_text, reading_text
from firewright.reports._service_matrix import matrix_text
from firewright.reports._status import Status, status_text
from firewright.reports._tests_text import tests_text
from firewright.reports._tidy import Tidied, tidied_text

REPORT: Renderers = {
    Findings: findings_text,
    Answers: answers_text,
    Explanation: explanation_text,
    Comparison: comparison_text,
    Contrasted: contrast_text,
    TestRun: tests_text,
    Compilation: lambda result, look: "\n".join(one.text for one in result.compiled),
    Audit: audit_text,
    Reading: reading_text,
    RouteAnswers: route_text,
    Rehearsal: rehearsal_text,
    WouldCut: would_cut_text,
    Rollout: rollout_text,
    Plan: plan_text,
    Step: step_text,
    Status: status_text,
    Drift: drift_text,
    Generations: generations_text,
    GenerationsCompared: compared_text,
    GenerationText: generation_text,
    Probed: probe_text,
    Anomalies: anomalies_text,
    Tidied: tidied_text,
    DocumentReading: document_text,
    ProposedPolicy: proposed_text,
    ListingReading: listing_text,
    ServiceMatrix: matrix_text,
    CheckedRequest: checked_text,
    ExceptionList: exceptions_text,
    LogRows: log_text,
    AccountRows: accounts_text,
    LogVerdict: log_verdict_text,
    RequestList: requests_text,
    RequestShown: request_text,
}
