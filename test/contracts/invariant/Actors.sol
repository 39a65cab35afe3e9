// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Twins} from "../../../contracts/identity/Twins.sol";
import {Disputes} from "../../../contracts/market/Disputes.sol";
import {TesterRegistry} from "../../../contracts/market/TesterRegistry.sol";
import {WorkAgreement} from "../../../contracts/market/WorkAgreement.sol";
import {WorkerDispatcher} from "../../../contracts/market/WorkerDispatcher.sol";
import {WorkerRecords} from "../../../contracts/market/WorkerRecords.sol";
import {MarketSettings, ReputationSettings, TesterSettings} from "../../../contracts/types/MarketTypes.sol";
import {Secp256k1} from "../base/Secp256k1.sol";
import {TwinMaker} from "../base/TwinMaker.sol";

/// @dev A market and fourteen accounts with keys, each of which is client, worker and tester as it comes.
abstract contract Actors is TwinMaker {
    uint256 public constant ACTORS = 14;
    /// @dev Agreements that run at the same time, and in all.
    uint256 public constant LIVE_AGREEMENTS = 3;
    uint256 public constant AGREEMENTS = 10;
    /// @dev Odd numbers, so that what is divided leaves a rest.
    uint96 internal constant FEE = 1_000 gwei + 7;
    uint128 internal constant DUTY_STAKE = 0.01 ether + 5;
    uint256 internal constant MISS_PENALTY = DUTY_STAKE / 8;
    /// @dev Some locks are this, most are more.
    uint256 internal constant MIN_SLOT_STAKE = 0.00004 ether;
    uint256 internal constant STAKE_FACTOR = 2;
    uint256 internal constant SLASH_SHARE = 3_000;
    uint256 internal constant EPOCH = 6;
    uint256 internal constant REVEAL = 3;
    uint256 internal constant APPEAL = 3;
    uint256 private constant WEALTH = 1_000_000 ether;

    Twins public twins;
    TesterRegistry public registry;
    Disputes public disputes;
    WorkerRecords public records;
    WorkerDispatcher public dispatcher;

    address[] public actors;
    WorkAgreement[] public agreements;
    /// @dev Private keys of accounts, and of the message keys of their twins.
    mapping(address account => uint256) internal _accountKey;
    mapping(address account => uint256) internal _messageKey;
    /// @dev How often each kind of action went through.
    mapping(bytes32 action => uint256) public done;
    /// @dev Wei that accounts sent to the market and got from it, by what the contracts say.
    uint256 public sentIn;
    uint256 public sentOut;
    /// @dev The action that met a panic of a contract, such as an overflow; zero when none did.
    bytes32 public panicked;

    constructor() {
        twins = new Twins();
        registry = new TesterRegistry(twins, TesterSettings({dutyStake: DUTY_STAKE, unbondingLength: 8}));
        disputes = new Disputes(twins, registry);
        records = new WorkerRecords(
            ReputationSettings({clientWeightCap: 100 * uint128(FEE), priorWeight: 10 * uint128(FEE)})
        );
        dispatcher = new WorkerDispatcher(
            twins,
            registry,
            records,
            address(new WorkAgreement(registry, disputes)),
            MarketSettings({
                epochLength: uint24(EPOCH),
                revealLength: uint24(REVEAL),
                appealLength: uint24(APPEAL),
                unbondingLength: 8,
                maxLength: 600,
                stakeFactor: uint8(STAKE_FACTOR),
                minSlotStake: uint128(MIN_SLOT_STAKE),
                slashShare: uint16(SLASH_SHARE),
                testerFeePerEpoch: FEE
            })
        );
        bytes[] memory keys = Secp256k1.publicKeys(2 * ACTORS);
        for (uint256 i = 0; i < ACTORS; i++) {
            address actor = address(uint160(uint256(keccak256(keys[2 * i]))));
            actors.push(actor);
            _accountKey[actor] = 2 * i + 1;
            _messageKey[actor] = 2 * i + 2;
            VM.deal(actor, WEALTH);
            _makeTwin(twins, actor, 2 * i + 2, keys[2 * i + 1]);
        }
    }

    function agreementCount() external view returns (uint256) {
        return agreements.length;
    }

    /// @dev Does something as an account. A refusal is as good as a success; a panic is remembered.
    function _act(
        bytes32 action,
        address from,
        address target,
        uint256 value,
        bytes memory data
    ) internal returns (bool ok, bytes memory result) {
        VM.prank(from);
        (ok, result) = target.call{value: value}(data);
        if (ok) done[action]++;
        else if (result.length == 0 || bytes4(result) == bytes4(keccak256("Panic(uint256)"))) panicked = action;
    }

    function _actor(uint256 seed) internal view returns (address) {
        return actors[seed % ACTORS];
    }

    /// @dev Another number for each use of the same seed.
    function _roll(uint256 seed, string memory use) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, use)));
    }

    function _isOne(uint256 seed, string memory use, uint256 times) internal pure returns (bool) {
        return _roll(seed, use) % times == 0;
    }

    function _isOneOf(uint256 seed, string memory use, uint256 index, uint256 times) internal pure returns (bool) {
        return _rollOf(seed, use, index) % times == 0;
    }

    function _rollOf(uint256 seed, string memory use, uint256 index) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, use, index)));
    }
}
