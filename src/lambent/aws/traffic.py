"""Aliases, permissions and Function URLs."""

from __future__ import annotations

import json
from typing import Any

from lambent.aws.client import AwsClient, non_empty
from lambent.aws.error_codes import ABSENT
from lambent.aws.values import BUFFERED, Alias, Cors, Provisioned, Statement, Url, canonical
from lambent.errors import AwsError

_NOT_PROVISIONED = "ProvisionedConcurrencyConfigNotFoundException"


class BotoTraffic(AwsClient):
    """Implements `Traffic`."""

    def alias(self, function: str, name: str) -> Alias | None:
        answer = self._find("lambda", "get_alias", FunctionName=function, Name=name)
        return None if answer is None else _alias(answer)

    def aliases(self, function: str) -> tuple[Alias, ...]:
        try:
            pages = list(self._pages("lambda", "list_aliases", FunctionName=function))
        except AwsError as error:
            if error.code in ABSENT:
                return ()
            raise
        return tuple(_alias(raw) for page in pages for raw in page["Aliases"])

    def create_alias(self, function: str, name: str, version: str, description: str = "") -> Alias:
        params = non_empty(Description=description)
        return _alias(self._call("lambda", "create_alias", FunctionName=function, Name=name, FunctionVersion=version, **params))

    def move_alias(
        self,
        function: str,
        name: str,
        version: str,
        revision: str = "",
        weights: tuple[tuple[str, float], ...] = (),
        description: str = "",
    ) -> Alias:
        params = non_empty(RevisionId=revision, Description=description)
        routing = {"AdditionalVersionWeights": dict(weights)}  # if it is omitted, an old share stays
        answer = self._call(
            "lambda", "update_alias", FunctionName=function, Name=name, FunctionVersion=version, RoutingConfig=routing, **params
        )
        return _alias(answer)

    def delete_alias(self, function: str, name: str) -> None:
        self._find("lambda", "delete_alias", FunctionName=function, Name=name)

    def provisioned(self, function: str, alias: str) -> Provisioned | None:
        try:
            answer = self._find("lambda", "get_provisioned_concurrency_config", FunctionName=function, Qualifier=alias)
        except AwsError as error:
            if error.code == _NOT_PROVISIONED:
                return None
            raise
        if answer is None:
            return None
        requested = answer["RequestedProvisionedConcurrentExecutions"]
        return Provisioned(requested, answer.get("Status", "READY"), answer.get("StatusReason", ""))

    def provision(self, function: str, alias: str, executions: int | None) -> None:
        params: dict[str, Any] = {"FunctionName": function, "Qualifier": alias}
        if executions is None:
            self._find("lambda", "delete_provisioned_concurrency_config", **params)
        else:
            params["ProvisionedConcurrentExecutions"] = executions
            self._call("lambda", "put_provisioned_concurrency_config", **params)

    def statements(self, function: str, qualifier: str) -> tuple[Statement, ...]:
        answer = self._find("lambda", "get_policy", FunctionName=function, **non_empty(Qualifier=qualifier))
        document = json.loads(answer["Policy"]) if answer else {}
        return tuple(_statement(raw) for raw in document.get("Statement", ()))

    def add_statement(self, function: str, qualifier: str, statement: Statement) -> None:
        params = non_empty(FunctionUrlAuthType=statement.url_auth, InvokedViaFunctionUrl=statement.via_url)
        self._call(
            "lambda",
            "add_permission",
            FunctionName=function,
            Qualifier=qualifier,
            StatementId=statement.sid,
            Action=statement.action,
            Principal=statement.principal,
            **params,
        )

    def remove_statement(self, function: str, qualifier: str, sid: str) -> None:
        self._find("lambda", "remove_permission", FunctionName=function, Qualifier=qualifier, StatementId=sid)

    def url(self, function: str, qualifier: str) -> Url | None:
        answer = self._find("lambda", "get_function_url_config", FunctionName=function, **non_empty(Qualifier=qualifier))
        return None if answer is None else self._url(function, qualifier, answer)

    def create_url(self, function: str, qualifier: str, auth: str, mode: str, cors: Cors | None = None) -> Url:
        params = {"FunctionName": function, "Qualifier": qualifier, "AuthType": auth, "InvokeMode": mode}
        answer = self._call("lambda", "create_function_url_config", **params, **non_empty(Cors=cors.members if cors else {}))
        return self._url(function, qualifier, answer)

    def update_url(self, function: str, qualifier: str, auth: str, mode: str, cors: Cors | None = None) -> Url:
        params: dict[str, Any] = {"FunctionName": function, "Qualifier": qualifier, **non_empty(AuthType=auth, InvokeMode=mode)}
        if cors is not None:
            params["Cors"] = cors.members
        return self._url(function, qualifier, self._call("lambda", "update_function_url_config", **params))

    def delete_url(self, function: str, qualifier: str) -> None:
        self._find("lambda", "delete_function_url_config", FunctionName=function, Qualifier=qualifier)

    def _url(self, function: str, qualifier: str, answer: dict[str, Any]) -> Url:
        mode = answer.get("InvokeMode", BUFFERED)  # absent unless it was ever set
        app_url = self._app_url(function, qualifier) if self._app_url is not None else ""
        return Url(app_url or answer["FunctionUrl"], answer["AuthType"], mode, _cors(answer.get("Cors")))


def _alias(answer: dict[str, Any]) -> Alias:
    weights = (answer.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    revision, description = answer.get("RevisionId", ""), answer.get("Description") or ""
    return Alias(answer["Name"], answer["FunctionVersion"], revision, tuple(sorted(weights.items())), description)


def _statement(raw: dict[str, Any]) -> Statement:
    """Parse a statement. moto 5.2 doesn't put the conditions into `Condition`, but keeps the request's members."""
    condition = {operator: dict(members) for operator, members in (raw.get("Condition") or {}).items()}
    auth = condition.get("StringEquals", {}).pop("lambda:FunctionUrlAuthType", "") or raw.get("FunctionUrlAuthType", "")
    via = condition.get("Bool", {}).pop("lambda:InvokedViaFunctionUrl", raw.get("InvokedViaFunctionUrl", False))
    limits = {operator: members for operator, members in condition.items() if members}
    return Statement(
        raw.get("Sid", ""),
        _joined(raw.get("Action", raw.get("NotAction"))),
        _joined(raw.get("Principal", raw.get("NotPrincipal"))),
        _joined(auth),
        _joined(via).lower() == "true",
        raw.get("Effect", "Allow"),
        canonical(limits) if limits else "",
    )


def _joined(value: Any) -> str:
    """Return what a policy names, one or several, also in the form {"AWS": ...}."""
    values = list(value.values()) if isinstance(value, dict) else value
    return ", ".join(map(_joined, values)) if isinstance(values, list) else str(values)


def _cors(raw: dict[str, Any] | None) -> Cors | None:
    if not raw or not any(raw.values()):
        return None
    return Cors(
        origins=tuple(raw.get("AllowOrigins") or ()),
        methods=tuple(raw.get("AllowMethods") or ()),
        headers=tuple(raw.get("AllowHeaders") or ()),
        expose=tuple(raw.get("ExposeHeaders") or ()),
        credentials=bool(raw.get("AllowCredentials")),
        max_age_s=raw.get("MaxAge") or 0,
    )
