"""Deterministic deployment: the same addresses on every chain for the same administrator, however often it is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from medrec_py.chain.abi import CONTRACTS, artifact
from medrec_py.chain.accounts import Account
from medrec_py.chain.calls import Call, TransactionReceipt
from medrec_py.chain.connection import Chain
from medrec_py.chain.contracts import RegistrarContract
from medrec_py.chain.deployment import Deployment, is_shipped_code
from medrec_py.chain.hashing import checksum, keccak, require_address
from medrec_py.chain.node import RpcFailure
from medrec_py.errors import Refused, WrongBytecode
from medrec_py.types.vocabulary import VOCABULARY

ROLE_ACCREDITOR: Final = 1
"""Authority's role of those who accredit and publish vocabularies, perhaps with a delay."""
ROLE_GUARDIAN: Final = 2
"""Authority's role of those who withdraw accreditations at once and cancel what accreditors announced."""

ANY_ROLE: Final = 0
"""`WhileAccredited` is deployed for viewers with any running accreditation."""

EMERGENCY_PURPOSE: Final = VOCABULARY.purpose("ETREAT").number
"""`Emergency` is deployed for emergency treatment, as the shipped vocabulary numbers it."""

SALT: Final = keccak(b"medrec 1")
"""CREATE2 salt of every contract."""

FACTORY: Final = "0x4e59b44847b379578588920cA78FbF26c0B4956C"
"""The deterministic deployment proxy (github.com/Arachnid/deterministic-deployment-proxy), here on every chain."""
FACTORY_CODE: Final = bytes.fromhex(
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd"
    "5b8082525050506014600cf3"
)
_FACTORY_DEPLOYER: Final = "0x3fAB184622Dc19b6109349B94811493BF2a45362"
_FACTORY_COST: Final = 100_000 * 100 * 10**9
_FACTORY_TRANSACTION: Final = bytes.fromhex(
    "f8a58085174876e800830186a08080b853604580600e600039806000f350fe7fffffffffffffffffffffffffffffffffffffffffffffffffff"
    "ffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf31ba0222222222222222222222222"
    "2222222222222222222222222222222222222222a02222222222222222222222222222222222222222222222222222222222222222"
)
"""Nobody's transaction: its signature was made up, so its sender's key is known to nobody and its nonce is always 0."""


@dataclass(frozen=True, slots=True)
class DeploymentReport:
    """What a run of `deploy` did.

    Attributes:
        deployment: Where everything stands now; already verified, and in use by the chain.
        receipts: The transactions of this run by step; empty when there was nothing left to do.
        pending: Calls that only the administrator can send, when it is not the deploying account.
    """

    deployment: Deployment
    receipts: Mapping[str, TransactionReceipt]
    pending: tuple[Call, ...]


def deploy(
    chain: Chain,
    account: Account,
    *,
    admin: str | None = None,
    accreditors: tuple[str, ...] | None = None,
    guardians: tuple[str, ...] | None = None,
    accreditation_delay: int = 0,
    vocabulary: bytes | None = None,
) -> DeploymentReport:
    """Deploys whatever does not stand yet, sets the roles and publishes the vocabulary. Run again to resume.

    Roles that were set up before are left as they are, so a role that was taken away does not come back; accreditors
    and guardians that are named are added.

    Args:
        chain: Where to.
        account: Pays. When it is the administrator too, roles and vocabulary are set at once.
        admin: Administrator of the authority, a multisig say; the account when None. Part of all addresses.
        accreditors: Who may accredit; the administrator when None.
        guardians: Who may withdraw accreditations and cancel announced ones; the accreditors when None.
        accreditation_delay: Seconds between an accreditor's announcement and its execution, for accreditors added now.
        vocabulary: Hash to publish; that of the shipped vocabulary when None.

    Raises:
        WrongBytecode: Something else stands at an address.
        Refused: A transaction failed, or the account has too little ether.
    """
    administrator = account.address if admin is None else require_address(admin)
    receipts: dict[str, TransactionReceipt] = {}
    _ensure_factory(chain, account, receipts)

    addresses = predicted_addresses(administrator)
    missing = {name: call for name, call in _creations(administrator).items() if not chain.code(addresses[name])}
    for name, outcome in zip(missing, chain.send_many(account, list(missing.values())), strict=True):
        if isinstance(outcome, Refused):
            raise outcome
        receipts[f"deploy {name}"] = outcome

    codes = {name: chain.code(address) for name, address in addresses.items()}
    for name, code in codes.items():
        if not is_shipped_code(name, code):
            raise WrongBytecode(f"The code at {addresses[name]} is not that of {name}.", contract=name)
    deployment = Deployment.of(
        addresses,
        chain_id=chain.chain_id,
        admin=administrator,
        block_number=_first_block(chain, addresses["Registrar"]),
        code_hashes={name: keccak(code) for name, code in codes.items()},
    )
    deployment.verify(chain)
    chain.use(deployment)

    table = VOCABULARY.hash if vocabulary is None else vocabulary
    setup = _setup_calls(chain, deployment, accreditors, guardians, accreditation_delay, table)
    if not setup:
        return DeploymentReport(deployment, receipts, ())
    call = _multicall(deployment, setup)
    if administrator != account.address:
        return DeploymentReport(deployment, receipts, (call,))
    receipts["set up"] = chain.send(account, call)
    return DeploymentReport(deployment, receipts, ())


def predicted_addresses(admin: str) -> dict[str, str]:
    """Address of each contract, on any chain, for an administrator."""
    return {name: _create2(call.data[32:]) for name, call in _creations(admin).items()}


# ── contracts ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _creations(admin: str) -> dict[str, Call]:
    """The factory call that creates each contract, in the order of `CONTRACTS`."""
    codes = {"Authority": artifact("Authority").creation(admin)}
    authority = _create2(codes["Authority"])
    codes["Registrar"] = artifact("Registrar").creation(authority)
    registrar = _create2(codes["Registrar"])
    codes["MedRec"] = artifact("MedRec").creation(registrar)
    codes["WhileAccredited"] = artifact("WhileAccredited").creation(registrar, ANY_ROLE)
    codes["WhileRelated"] = artifact("WhileRelated").creation(_create2(codes["MedRec"]))
    medrec = _create2(codes["MedRec"])
    codes["Guardianship"] = artifact("Guardianship").creation(medrec)
    codes["Emergency"] = artifact("Emergency").creation(medrec, VOCABULARY.hash, EMERGENCY_PURPOSE)
    return {name: Call(FACTORY, SALT + codes[name], f"deploy {name}") for name in CONTRACTS}


def _create2(creation_code: bytes) -> str:
    """Address that the factory gives to a creation code (EIP-1014)."""
    return checksum(keccak(b"\xff" + bytes.fromhex(FACTORY[2:]) + SALT + keccak(creation_code))[12:])


def _ensure_factory(chain: Chain, account: Account, receipts: dict[str, TransactionReceipt]) -> None:
    code = chain.code(FACTORY)
    if not code:
        short = _FACTORY_COST - chain.balance(_FACTORY_DEPLOYER)
        if short > 0:
            chain.send(account, Call(_FACTORY_DEPLOYER, b"", "fund factory", value=short))
        receipts["deploy factory"] = chain.wait(chain.broadcast(_FACTORY_TRANSACTION), name="deploy factory")
        code = chain.code(FACTORY)
    if code != FACTORY_CODE:
        raise WrongBytecode(f"The code at {FACTORY} is not the deterministic deployment proxy.", contract="factory")


def _first_block(chain: Chain, address: str) -> int:
    """The block in which a contract appeared, by bisection; 0 where the server keeps no old state."""
    low, high = 0, chain.head_number()
    while low < high:
        middle = (low + high) // 2
        try:
            code = chain.node.request("eth_getCode", [address, hex(middle)])
        except RpcFailure:
            return 0
        if len(code) > 2:
            high = middle
        else:
            low = middle + 1
    return low


# ── roles ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _setup_calls(
    chain: Chain,
    deployment: Deployment,
    accreditors: tuple[str, ...] | None,
    guardians: tuple[str, ...] | None,
    delay: int,
    vocabulary: bytes,
) -> list[bytes]:
    """Calldata of the authority's functions that are still to be called by the administrator."""
    functions = artifact("Authority").functions
    registrar = RegistrarContract(deployment, chain)
    selectors = {name: artifact("Registrar").functions[name].selector for name in _ROLE_OF_FUNCTION}
    calls: list[bytes] = []

    publication = registrar.publish_vocabulary(vocabulary)
    if not registrar.is_vocabulary(vocabulary):
        # While nobody was given the function, it is the administrator's; later it may take a delay, or be of others.
        wait = registrar.required_delay(deployment.admin, publication)
        announced = registrar.executable_at(deployment.admin, publication)
        if wait == 0 or 0 < announced <= chain.now():
            calls.append(functions["execute"].encode(publication.to, publication.data))
        elif wait is not None and not announced:
            calls.append(functions["schedule"].encode(publication.to, publication.data, 0))

    new = False
    for role in (ROLE_ACCREDITOR, ROLE_GUARDIAN):
        wanted = [selectors[name] for name, owner in _ROLE_OF_FUNCTION.items() if owner == role]
        owners = [_ask(chain, deployment, "getTargetFunctionRole", deployment.registrar, one)[0] for one in wanted]
        unset = [one for one, owner in zip(wanted, owners, strict=True) if owner != role]
        if unset:
            new = True
            calls.append(functions["labelRole"].encode(role, _LABELS[role]))
            calls.append(functions["setTargetFunctionRole"].encode(deployment.registrar, unset, role))
    if _ask(chain, deployment, "getRoleGuardian", ROLE_ACCREDITOR)[0] != ROLE_GUARDIAN:
        calls.append(functions["setRoleGuardian"].encode(ROLE_ACCREDITOR, ROLE_GUARDIAN))

    if new:
        accreditors = (deployment.admin,) if accreditors is None else accreditors
        guardians = accreditors if guardians is None else guardians
    for role, members, wait in ((ROLE_ACCREDITOR, accreditors, delay), (ROLE_GUARDIAN, guardians, 0)):
        for member in members or ():
            if not _ask(chain, deployment, "hasRole", role, member)[0]:
                calls.append(functions["grantRole"].encode(role, member, wait))
    return calls


_ROLE_OF_FUNCTION: Final = {
    "accredit": ROLE_ACCREDITOR,
    "publishVocabulary": ROLE_ACCREDITOR,
    "withdrawAccreditation": ROLE_GUARDIAN,
}
_LABELS: Final = {ROLE_ACCREDITOR: "accreditor", ROLE_GUARDIAN: "guardian"}


def _ask(chain: Chain, deployment: Deployment, view: str, *arguments: object) -> tuple[object, ...]:
    function = artifact("Authority").functions[view]
    return function.decode(chain.call(Call(deployment.authority, function.encode(*arguments), view)))


def _multicall(deployment: Deployment, calls: list[bytes]) -> Call:
    data = artifact("Authority").functions["multicall"].encode(calls)
    return Call(deployment.authority, data, "set up")
