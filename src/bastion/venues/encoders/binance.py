"""Binance USD-M and COIN-M futures (developers.binance.com, General Info: SIGNED endpoint security)."""

from collections.abc import Mapping, Sequence

from bastion.venues.encoders.signed import Mac, Parameters, Signed, form, rooted

ID_LIST = "orderidlist"
FORM_HEADERS: Mapping[str, str] = {"Content-Type": "application/x-www-form-urlencoded"}
_FAPI, _SAPI = "https://fapi.binance.com/fapi", "https://api.binance.com/sapi"
_DAPI = "https://dapi.binance.com/dapi"
_PAPI = "https://papi.binance.com/papi"
_ROOTS = {
    "fapiPublic": f"{_FAPI}/v1",
    "fapiPrivate": f"{_FAPI}/v1",
    "fapiPrivateV2": f"{_FAPI}/v2",
    "fapiPrivateV3": f"{_FAPI}/v3",
    "dapiPublic": f"{_DAPI}/v1",
    "dapiPrivate": f"{_DAPI}/v1",
    "sapi": f"{_SAPI}/v1",
    "papi": f"{_PAPI}/v1",
}
_USD_M: Mapping[str, tuple[str, str, str]] = {
    "fapiPrivatePostOrder": ("fapiPrivate", "POST", "order"),
    "fapiPrivateGetOrder": ("fapiPrivate", "GET", "order"),
    "fapiPrivateDeleteOrder": ("fapiPrivate", "DELETE", "order"),
    "fapiPrivatePostAlgoOrder": ("fapiPrivate", "POST", "algoOrder"),
    "fapiPrivateGetAlgoOrder": ("fapiPrivate", "GET", "algoOrder"),
    "fapiPrivateDeleteAlgoOrder": ("fapiPrivate", "DELETE", "algoOrder"),
    "fapiPrivateDeleteBatchOrders": ("fapiPrivate", "DELETE", "batchOrders"),
    "fapiPrivateDeleteAllOpenOrders": ("fapiPrivate", "DELETE", "allOpenOrders"),
    "fapiPrivateDeleteAlgoOpenOrders": ("fapiPrivate", "DELETE", "algoOpenOrders"),
    "fapiPrivateGetOpenOrders": ("fapiPrivate", "GET", "openOrders"),
    "fapiPrivateGetOpenAlgoOrders": ("fapiPrivate", "GET", "openAlgoOrders"),
    "fapiPrivateGetUserTrades": ("fapiPrivate", "GET", "userTrades"),
    "fapiPrivateGetAccountConfig": ("fapiPrivate", "GET", "accountConfig"),
    "fapiPrivateGetCommissionRate": ("fapiPrivate", "GET", "commissionRate"),
    "fapiPrivateGetIncome": ("fapiPrivate", "GET", "income"),
    "fapiPrivateGetForceOrders": ("fapiPrivate", "GET", "forceOrders"),
    "fapiPrivateGetAllAlgoOrders": ("fapiPrivate", "GET", "allAlgoOrders"),
    "fapiPrivateV2GetAccount": ("fapiPrivateV2", "GET", "account"),
    "fapiPrivateV3GetAccount": ("fapiPrivateV3", "GET", "account"),
    "fapiPrivateV3GetPositionRisk": ("fapiPrivateV3", "GET", "positionRisk"),
    "sapiGetAlgoFuturesOpenOrders": ("sapi", "GET", "algo/futures/openOrders"),
    "sapiDeleteAlgoFuturesOrder": ("sapi", "DELETE", "algo/futures/order"),
    "sapiGetAccountApiRestrictions": ("sapi", "GET", "account/apiRestrictions"),
    "fapiPublicGetTime": ("fapiPublic", "GET", "time"),
    "fapiPublicGetExchangeInfo": ("fapiPublic", "GET", "exchangeInfo"),
    "fapiPublicGetDepth": ("fapiPublic", "GET", "depth"),
    "fapiPublicGetPremiumIndex": ("fapiPublic", "GET", "premiumIndex"),
}
# COIN-M has the same pages under another name, but for these.
_COIN_M: Mapping[str, tuple[str, str, str]] = {
    "dapiPrivateGetPositionRisk": ("dapiPrivate", "GET", "positionRisk"),
    "dapiPrivateGetAccount": ("dapiPrivate", "GET", "account"),
}
_COMMON = {
    name.replace("fapi", "dapi", 1): (api.replace("fapi", "dapi", 1), verb, path)
    for name, (api, verb, path) in _USD_M.items()
    if api in {"fapiPublic", "fapiPrivate"} and path != "accountConfig"
}
_SIDED = ("order", "openOrders", "allOpenOrders", "userTrades", "forceOrders", "commissionRate", "account")
_PAPI_READS = (
    *("balance", "account", "margin/openOrders", "um/positionRisk", "cm/positionRisk", "um/accountConfig"),
    *("um/algo/openAlgoOrders", "um/algo/allAlgoOrders"),
    *("cm/conditional/openOrders", "cm/conditional/allOrders"),
    *(f"{side}/{name}" for side in ("um", "cm") for name in _SIDED if name != "allOpenOrders"),
)
_PAPI_CANCELS = (
    *("um/order", "cm/order", "um/allOpenOrders", "cm/allOpenOrders"),
    *("um/algo/order", "um/algo/allOpenOrders", "cm/conditional/order", "cm/conditional/allOpenOrders"),
)


def _papi(verb: str, path: str) -> tuple[str, tuple[str, str, str]]:
    # ccxt's name of a raw method: the words of its path, each with a capital.
    words = "".join(f"{word[:1].upper()}{word[1:]}" for word in path.split("/"))
    return f"papi{verb.capitalize()}{words}", ("papi", verb, path)


_PORTFOLIO = dict(
    [
        *(_papi("GET", path) for path in _PAPI_READS),
        *(_papi("DELETE", path) for path in _PAPI_CANCELS),
        *(_papi("POST", path) for path in ("um/order", "cm/order")),
    ]
)
METHODS: Mapping[str, tuple[str, str, str]] = {**_USD_M, **_COMMON, **_COIN_M, **_PORTFOLIO}
# Without an id of ours ccxt would make one; ours never go without.
_NAMED = {"order": "newClientOrderId", "algoOrder": "clientAlgoId"}
_NAMED |= {"um/order": "newClientOrderId", "cm/order": "newClientOrderId"}


class BinanceEncoder:
    """Signs with the secret (HMAC); a private key in its place is left to ccxt."""

    def __init__(self, api_key: str, secret: str, *, recv_window_ms: int, base_url: str | None) -> None:
        self._key = {"X-MBX-APIKEY": api_key}
        self._key_form = {**self._key, **FORM_HEADERS}
        self._mac = None if "PRIVATE KEY" in secret else Mac(secret)
        self._window = recv_window_ms
        self._roots = {api: rooted(base_url, url) for api, url in _ROOTS.items()}

    def encode(self, method: str, params: Parameters, *, stamp_ms: int) -> Signed | None:
        """Return the request of ccxt's raw method; None where it is left to ccxt."""
        known = METHODS.get(method)
        if known is None or self._mac is None or not isinstance(params, Mapping):
            return None
        api, verb, path = known
        url = f"{self._roots[api]}/{path}"
        if api in {"fapiPublic", "dapiPublic"}:
            return Signed(method=verb, url=f"{url}?{form(params)}" if params else url, headers={})
        if verb == "POST" and params.get(_NAMED[path]) is None:
            return None
        ids = params.get(ID_LIST)
        fields = {name: value for name, value in params.items() if name != ID_LIST}
        query = form({"timestamp": stamp_ms, **fields, "recvWindow": self._window})
        if isinstance(ids, Sequence):
            # The list stands last, its brackets and commas quoted.
            query = f"{query}&{ID_LIST}=%5B{'%2C'.join(map(str, ids))}%5D"
        query = f"{query}&signature={self._mac.hex(query)}"
        if verb == "POST":
            return Signed(method=verb, url=url, headers=self._key_form, body=query.encode())
        return Signed(method=verb, url=f"{url}?{query}", headers=self._key)
