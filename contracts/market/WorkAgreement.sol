// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IDisputes} from "../interfaces/IDisputes.sol";
import {ITesterRegistry} from "../interfaces/ITesterRegistry.sol";
import {IWorkAgreement} from "../interfaces/IWorkAgreement.sol";
import {IWorkerDispatcher} from "../interfaces/IWorkerDispatcher.sol";
import {AgreementSpan} from "../libraries/AgreementSpan.sol";
import {EpochVerdicts} from "../libraries/EpochVerdicts.sol";
import {Ether} from "../libraries/Ether.sol";
import {Settlement} from "../libraries/Settlement.sol";
import {AgreementState, WorkerAccount} from "../types/AgreementState.sol";
import {AgreementTerms, Outcome} from "../types/MarketTypes.sol";
import {EpochReports} from "./EpochReports.sol";

/// @title One purchase, see {IWorkAgreement}
/// @notice An EIP-1167 clone: its terms are the packed immutable arguments behind its code, and it holds its own ether.
contract WorkAgreement is EpochReports, ReentrancyGuardTransient {
    using AgreementSpan for AgreementState;
    using AgreementSpan for AgreementTerms;
    using EpochVerdicts for uint256;
    using SafeCast for uint256;

    /// @notice Epochs that one call of `settle` or `finalize` takes, at most.
    uint256 public constant MAX_SETTLE = 64;

    modifier onlyClient() {
        address expected = _header().client;
        if (msg.sender != expected) revert WorkAgreement_NotClient(expected, msg.sender);
        _;
    }

    constructor(ITesterRegistry testers_, IDisputes disputes_) EpochReports(testers_, disputes_) {}

    /// @dev What slashing gives the client.
    receive() external payable {
        if (msg.sender != TESTERS.dispatcher()) revert WorkAgreement_NotDispatcher(msg.sender);
    }

    /// @inheritdoc IWorkAgreement
    function bindProgram(bytes32 ledgerAccount) external onlyClient {
        AgreementTerms memory terms = _header();
        if (ledgerAccount == bytes32(0)) revert WorkAgreement_ZeroProgram();
        if (_state.program != bytes32(0)) revert WorkAgreement_AlreadyBound(_state.program);
        _requireNotEnded(terms);
        _state.program = ledgerAccount;
        _state.progress.boundFrom = (block.number < terms.start ? 0 : _runningEpoch(terms) + 1).toUint16();
        emit ProgramBound(ledgerAccount);
    }

    /// @inheritdoc IWorkAgreement
    function extend(uint256 blocks) external payable nonReentrant onlyClient {
        AgreementTerms memory terms = _terms();
        _requireNotEnded(terms);
        uint256 oldLength = _state.boughtLength(terms);
        uint256 newLength = oldLength + blocks;
        uint256 oldEpochs = _state.epochCount(terms);
        bool lastIsCut = oldLength % terms.epochLength != 0;
        // The phases of an epoch that began are fixed, so a short last one cannot grow any more.
        if (lastIsCut && block.number >= terms.start && _runningEpoch(terms) + 1 == oldEpochs) {
            revert WorkAgreement_LastEpochRuns(oldEpochs - 1);
        }
        if (blocks == 0 || _state.progress.terminatedAt != 0) revert WorkAgreement_CannotExtend();
        for (uint256 i = 0; i < terms.workers.length; i++) {
            if (_state.accounts[i].leftAt != 0) revert WorkAgreement_AlreadyResigned(i);
        }
        uint256 required =
            terms.price() * blocks + terms.feesFor(Math.ceilDiv(newLength, terms.epochLength) - oldEpochs);
        if (msg.value < required) revert WorkAgreement_ValueTooLow(required, msg.value);

        _state.progress.extension += blocks.toUint32();
        uint256 surplus = msg.value - required;
        if (surplus != 0) _state.progress.clientCredit += surplus.toUint128();
        emit Extended(newLength, required, surplus);
        IWorkerDispatcher(TESTERS.dispatcher()).extendLocks(terms.number, oldLength, newLength, terms.workers);
    }

    /// @inheritdoc IWorkAgreement
    function terminate() external onlyClient {
        AgreementTerms memory terms = _terms();
        _requireNotEnded(terms);
        uint256 count = _state.epochCount(terms);
        uint256 kept = block.number < terms.start ? 1 : _runningEpoch(terms) + 2;
        if (_state.progress.terminatedAt != 0 || kept >= count) revert WorkAgreement_TooLateToTerminate(count);

        uint256 refund =
            terms.price() * (_state.length(terms) - kept * terms.epochLength) + terms.feesFor(count - kept);
        _state.progress.terminatedAt = kept.toUint16();
        _state.progress.clientCredit += refund.toUint128();
        emit Terminated(_state.end(terms), refund);
    }

    /// @inheritdoc IWorkAgreement
    function resign(uint256 workerIndex) external {
        AgreementTerms memory terms = _terms();
        _requireNotEnded(terms);
        if (workerIndex >= terms.workers.length) revert WorkAgreement_UnknownWorker(terms.workers.length, workerIndex);
        address operator = terms.workers[workerIndex].operator;
        if (msg.sender != operator) revert WorkAgreement_NotOperator(operator, msg.sender);
        WorkerAccount storage account = _state.accounts[workerIndex];
        if (account.leftAt != 0) revert WorkAgreement_AlreadyResigned(workerIndex);

        uint256 from = block.number < terms.start ? 0 : _runningEpoch(terms) + 1;
        account.leftAt = (from + 1).toUint16();
        emit WorkerResigned(workerIndex, from);
    }

    /// @inheritdoc IWorkAgreement
    function settle(uint256 maxEpochs) external nonReentrant returns (uint256 settled) {
        if (maxEpochs == 0) revert WorkAgreement_NothingToSettle();
        return _settle(_terms(), maxEpochs);
    }

    /// @inheritdoc IWorkAgreement
    function withdraw() external nonReentrant returns (uint256 amount) {
        AgreementTerms memory terms = _terms();
        if (msg.sender == terms.client) {
            amount = _state.progress.clientCredit;
            if (amount != 0) _state.progress.clientCredit = 0;
        }
        uint256 settledBlocks = _state.settledBlocks(terms);
        for (uint256 i = 0; i < terms.workers.length; i++) {
            if (terms.workers[i].operator != msg.sender) continue;
            uint256 earned = settledBlocks - _state.accounts[i].blocksLost;
            amount += (earned - _state.withdrawnBlocks[i]) * terms.workers[i].pricePerBlock;
            _state.withdrawnBlocks[i] = uint32(earned);
        }
        if (amount == 0) revert WorkAgreement_NothingToWithdraw(msg.sender);
        emit Withdrawn(msg.sender, amount);
        Ether.pay(msg.sender, amount);
    }

    /// @inheritdoc IWorkAgreement
    function finalize() external nonReentrant {
        AgreementTerms memory terms = _terms();
        if (_state.progress.finalized) revert WorkAgreement_AlreadyFinalized();
        _settle(terms, MAX_SETTLE);
        uint256 count = _state.epochCount(terms);
        if (_state.progress.settledEpochs != count)
            revert WorkAgreement_NotSettled(count, _state.progress.settledEpochs);
        _state.progress.finalized = true;
        emit Finalized();

        uint256 compensation = IWorkerDispatcher(TESTERS.dispatcher()).report(
            terms.number,
            terms.client,
            _state.boughtLength(terms),
            Settlement.reportsOf(_state, terms)
        );
        if (compensation != 0) _state.progress.clientCredit += compensation.toUint128();
    }

    /// @inheritdoc IWorkAgreement
    function resignedFrom(uint256 workerIndex) external view returns (uint256 epoch) {
        uint256 leftAt = _state.accounts[workerIndex].leftAt;
        return leftAt == 0 ? type(uint256).max : leftAt - 1;
    }

    /// @inheritdoc IWorkAgreement
    function outcomesOf(uint256 epoch) external view returns (Outcome[] memory outcomes) {
        AgreementTerms memory terms = _terms();
        if (block.number < _windowsOf(terms, epoch).finalFrom) return new Outcome[](terms.workers.length);
        uint256 draw = _state.draws[epoch];
        outcomes =
            draw.isContested()
                ? DISPUTES.preview(epoch).outcomes
                : EpochVerdicts.outcomes(_tally(epoch, terms.workers.length), terms.testerCount);
        for (uint256 i = 0; i < outcomes.length; i++) {
            outcomes[i] = AgreementSpan.outcomeFor(_state.accounts[i].leftAt, epoch, outcomes[i]);
        }
    }

    /// @inheritdoc IWorkAgreement
    function creditOf(address account) external view returns (uint256 amount) {
        AgreementTerms memory terms = _terms();
        if (account == terms.client) amount = _state.progress.clientCredit;
        uint256 settledBlocks = _state.settledBlocks(terms);
        for (uint256 i = 0; i < terms.workers.length; i++) {
            if (terms.workers[i].operator != account) continue;
            uint256 due = settledBlocks - _state.accounts[i].blocksLost - _state.withdrawnBlocks[i];
            amount += due * terms.workers[i].pricePerBlock;
        }
    }

    /// @inheritdoc IWorkAgreement
    function unsettled() external view returns (uint256) {
        AgreementTerms memory terms = _terms();
        uint256 epochs = _state.epochCount(terms) - _state.progress.settledEpochs;
        return terms.price() * (_state.length(terms) - _state.settledBlocks(terms)) + terms.feesFor(epochs);
    }

    function _settle(AgreementTerms memory terms, uint256 maxEpochs) private returns (uint256) {
        return Settlement.settle(_state, terms, TESTERS, DISPUTES, Math.min(maxEpochs, MAX_SETTLE));
    }

    function _requireNotEnded(AgreementTerms memory terms) private view {
        if (block.number >= _state.end(terms)) revert WorkAgreement_Ended(_state.end(terms));
    }
}
