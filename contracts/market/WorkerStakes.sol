// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {ITesterRegistry} from "../interfaces/ITesterRegistry.sol";
import {ITwins} from "../interfaces/ITwins.sol";
import {IWorkerDispatcher} from "../interfaces/IWorkerDispatcher.sol";
import {OrderBook} from "../libraries/OrderBook.sol";
import {Reputation} from "../libraries/Reputation.sol";
import {
    MarketSettings,
    WorkerRecord,
    WorkerReport,
    WorkerStatus,
    WorkerTerms,
    WorkerView
} from "../types/MarketTypes.sol";

/// @title The workers' side of the market: entries, stake, locks, reputation
/// @dev An entry is in the order book exactly while it is active, has a free slot and free stake for one, so that every
/// entry that a purchase walks can be taken.
abstract contract WorkerStakes is IWorkerDispatcher {
    using OrderBook for OrderBook.Books;
    using Reputation for WorkerRecord;
    using SafeCast for uint256;

    struct Worker {
        // Slot 0.
        address operator;
        uint32 twinId;
        uint16 slots;
        uint16 slotsUsed;
        WorkerStatus status;
        // Slot 1. `stake` holds `locked`, which agreements hold; `unbonding` has left it.
        uint128 stake;
        uint128 locked;
        // Slot 2.
        uint128 unbonding;
        uint64 releaseBlock;
        // Slots 3 and 4. Price and length are in the order book's node.
        bytes32 applicationType;
        bytes32[] vettedDigests;
    }

    /// @notice Workers in one agreement, at most: a Stellar account has at most 20 signers.
    uint256 public constant MAX_REDUNDANCY = 20;
    /// @notice Agreements that a worker serves at the same time, at most.
    uint256 public constant MAX_SLOTS = 1024;
    /// @notice Image digests that a worker lists as vetted, at most.
    uint256 public constant MAX_DIGESTS = 16;
    /// @notice Entries returned by one call of a paged view, at most.
    uint256 public constant MAX_PAGE = 100;
    /// @notice Epochs of an agreement, at most.
    uint256 public constant MAX_EPOCHS = 512;
    /// @notice Shortest epoch in blocks: one for the seed, one to open and commit, the last one takes no commitment.
    uint256 public constant MIN_EPOCH_LENGTH = 4;
    /// @notice Longest epoch, reveal and appeal window in blocks.
    uint256 public constant MAX_PHASE_LENGTH = 100_000;
    /// @notice Longest wait of stake that leaves, in blocks.
    uint256 public constant MAX_UNBONDING_LENGTH = 1_000_000;
    /// @notice Bounds of `stakeFactor`.
    uint256 public constant MAX_STAKE_FACTOR = 100;
    /// @notice Bound of the settings that are amounts, in wei.
    uint256 public constant MAX_AMOUNT = 1_000_000 ether;

    ITwins internal immutable TWINS;
    ITesterRegistry internal immutable TESTERS;

    MarketSettings internal _settings;
    OrderBook.Books internal _books;
    uint40 private _workerCount;
    mapping(uint256 workerId => Worker) private _workers;
    mapping(uint256 workerId => WorkerRecord) private _records;
    mapping(address operator => mapping(bytes32 applicationType => uint256 workerId)) private _workerOf;
    /// @dev Weight that a client's agreements brought into a worker's reputation, up to the cap.
    mapping(uint256 workerId => mapping(address client => uint256 weight)) private _clientWeight;

    modifier onlyOperator(uint256 workerId) {
        address operator = _requireWorker(workerId).operator;
        if (operator != msg.sender) revert WorkerDispatcher_NotOperator(operator, msg.sender);
        _;
    }

    constructor(ITwins twins_, ITesterRegistry testers_, MarketSettings memory settings_) {
        if (address(twins_).code.length == 0) revert WorkerDispatcher_NotAContract("twins", address(twins_));
        if (address(testers_).code.length == 0) revert WorkerDispatcher_NotAContract("testers", address(testers_));
        _checkSetting("epochLength", MIN_EPOCH_LENGTH, MAX_PHASE_LENGTH, settings_.epochLength);
        _checkSetting("revealLength", 1, MAX_PHASE_LENGTH, settings_.revealLength);
        _checkSetting("appealLength", 1, MAX_PHASE_LENGTH, settings_.appealLength);
        _checkSetting("unbondingLength", 1, MAX_UNBONDING_LENGTH, settings_.unbondingLength);
        _checkSetting("maxLength", 1, MAX_EPOCHS * settings_.epochLength, settings_.maxLength);
        _checkSetting("stakeFactor", 1, MAX_STAKE_FACTOR, settings_.stakeFactor);
        _checkSetting("minSlotStake", 1, MAX_AMOUNT, settings_.minSlotStake);
        _checkSetting("testerFeePerEpoch", 1, MAX_AMOUNT, settings_.testerFeePerEpoch);
        _checkSetting("clientWeightCap", 1, MAX_AMOUNT, settings_.clientWeightCap);
        _checkSetting("priorWeight", 1, MAX_AMOUNT, settings_.priorWeight);
        TWINS = twins_;
        TESTERS = testers_;
        _settings = settings_;
    }

    /// @inheritdoc IWorkerDispatcher
    function registerWorker(WorkerTerms calldata terms) external payable returns (uint256 workerId) {
        uint256 twinId = TWINS.twinOf(msg.sender);
        if (twinId == 0) revert WorkerDispatcher_NotATwin(msg.sender);
        workerId = _workerOf[msg.sender][terms.applicationType];
        if (workerId != 0) {
            revert WorkerDispatcher_AlreadyRegistered(msg.sender, terms.applicationType, workerId);
        }

        workerId = ++_workerCount;
        _workerOf[msg.sender][terms.applicationType] = workerId;
        Worker storage self = _workers[workerId];
        self.operator = msg.sender;
        self.twinId = twinId.toUint32();
        self.status = WorkerStatus.Active;
        self.applicationType = terms.applicationType;
        _setTerms(workerId, self, terms);
        emit WorkerRegistered(workerId, msg.sender, twinId, terms, self.stake);
    }

    /// @inheritdoc IWorkerDispatcher
    function updateWorker(uint256 workerId, WorkerTerms calldata terms) external payable onlyOperator(workerId) {
        Worker storage self = _workers[workerId];
        if (self.status == WorkerStatus.Unregistered) revert WorkerDispatcher_WrongStatus(workerId);
        if (terms.applicationType != self.applicationType) {
            revert WorkerDispatcher_ApplicationFixed(self.applicationType, terms.applicationType);
        }
        _unlist(workerId, self);
        _setTerms(workerId, self, terms);
        emit WorkerUpdated(workerId, terms, self.stake);
    }

    /// @inheritdoc IWorkerDispatcher
    function pauseWorker(uint256 workerId) external onlyOperator(workerId) {
        _setStatus(workerId, WorkerStatus.Active, WorkerStatus.Paused);
        emit WorkerPaused(workerId);
    }

    /// @inheritdoc IWorkerDispatcher
    function unpauseWorker(uint256 workerId) external onlyOperator(workerId) {
        _setStatus(workerId, WorkerStatus.Paused, WorkerStatus.Active);
        emit WorkerUnpaused(workerId);
    }

    /// @inheritdoc IWorkerDispatcher
    function unregisterWorker(uint256 workerId) external onlyOperator(workerId) {
        Worker storage self = _workers[workerId];
        _setStatus(workerId, self.status, WorkerStatus.Unregistered);
        delete _workerOf[msg.sender][self.applicationType];
        emit WorkerUnregistered(workerId);
        if (self.stake > self.locked) _unbond(workerId, self, self.stake - self.locked);
    }

    /// @inheritdoc IWorkerDispatcher
    function addStake(uint256 workerId) external payable onlyOperator(workerId) {
        Worker storage self = _workers[workerId];
        if (self.status == WorkerStatus.Unregistered) revert WorkerDispatcher_WrongStatus(workerId);
        self.stake += msg.value.toUint128();
        emit StakeAdded(workerId, msg.value);
        _relist(workerId, self);
    }

    /// @inheritdoc IWorkerDispatcher
    function unbondStake(uint256 workerId, uint256 amount) external onlyOperator(workerId) {
        Worker storage self = _workers[workerId];
        uint256 free = self.stake - self.locked;
        if (amount > free) revert WorkerDispatcher_StakeNotFree(free, amount);
        _unbond(workerId, self, amount);
        _relist(workerId, self);
    }

    /// @inheritdoc IWorkerDispatcher
    function withdrawStake(uint256 workerId) external onlyOperator(workerId) {
        Worker storage self = _workers[workerId];
        uint256 amount = self.unbonding;
        if (amount == 0 || block.number < self.releaseBlock) {
            revert WorkerDispatcher_NothingToWithdraw(self.releaseBlock, amount);
        }
        self.unbonding = 0;
        emit StakeWithdrawn(workerId, msg.sender, amount);
        _send(msg.sender, amount);
    }

    /// @inheritdoc IWorkerDispatcher
    function settings() external view returns (MarketSettings memory) {
        return _settings;
    }

    /// @inheritdoc IWorkerDispatcher
    function twins() external view returns (address) {
        return address(TWINS);
    }

    /// @inheritdoc IWorkerDispatcher
    function testers() external view returns (address) {
        return address(TESTERS);
    }

    /// @inheritdoc IWorkerDispatcher
    function workerCount() external view returns (uint256) {
        return _workerCount;
    }

    /// @inheritdoc IWorkerDispatcher
    function worker(uint256 workerId) external view returns (WorkerView memory) {
        _requireWorker(workerId);
        return _view(workerId);
    }

    /// @inheritdoc IWorkerDispatcher
    function workers(uint256 fromId, uint256 count) external view returns (WorkerView[] memory page) {
        uint256 last = _workerCount;
        if (fromId == 0 || fromId > last) return page;
        page = new WorkerView[](Math.min(Math.min(count, MAX_PAGE), last - fromId + 1));
        for (uint256 i = 0; i < page.length; i++) {
            page[i] = _view(fromId + i);
        }
    }

    /// @inheritdoc IWorkerDispatcher
    function workerOf(address operator, bytes32 applicationType) external view returns (uint256 workerId) {
        return _workerOf[operator][applicationType];
    }

    /// @inheritdoc IWorkerDispatcher
    function lockFor(uint256 pricePerBlock, uint256 length) external view returns (uint256) {
        return _lockFor(pricePerBlock, length);
    }

    /// @inheritdoc IWorkerDispatcher
    function reputationOf(uint256 workerId) external view returns (uint256 basisPoints) {
        return workerId == 0 || workerId > _workerCount ? 0 : _reputationOf(workerId);
    }

    /// @inheritdoc IWorkerDispatcher
    function uptimeOf(uint256 workerId) external view returns (uint256 basisPoints) {
        return _records[workerId].uptime();
    }

    /// @inheritdoc IWorkerDispatcher
    function recordOf(uint256 workerId) external view returns (WorkerRecord memory) {
        return _records[workerId];
    }

    /// @dev Takes a slot of a listed worker and locks its stake for an agreement.
    function _take(uint256 workerId, address agreement, uint256 length) internal {
        Worker storage self = _workers[workerId];
        uint256 lock = _lockFor(_books.nodes[workerId].price, length);
        self.slotsUsed++;
        self.locked += lock.toUint128();
        emit WorkerAssigned(workerId, agreement, lock);
        _relist(workerId, self);
    }

    /// @dev Gives the slot back, opens the lock and writes the record of an agreement that is over.
    function _release(address client, uint256 length, WorkerReport calldata workerReport) internal {
        uint256 workerId = workerReport.workerId;
        Worker storage self = _workers[workerId];
        uint256 lock = _lockFor(workerReport.pricePerBlock, length);
        self.slotsUsed--;
        self.locked -= lock.toUint128();
        emit WorkerReleased(workerId, msg.sender, lock);
        _relist(workerId, self);

        uint256 spent = _clientWeight[workerId][client];
        uint256 used = _records[workerId].add(workerReport, spent, _settings.clientWeightCap);
        if (used != 0) _clientWeight[workerId][client] = spent + used;
    }

    function _send(address account, uint256 amount) internal {
        if (amount == 0) return;
        (bool sent, ) = account.call{value: amount}("");
        if (!sent) revert WorkerDispatcher_TransferFailed(account, amount);
    }

    function _worker(uint256 workerId) internal view returns (Worker storage) {
        return _workers[workerId];
    }

    function _requireWorker(uint256 workerId) internal view returns (Worker storage self) {
        if (workerId == 0 || workerId > _workerCount) revert WorkerDispatcher_UnknownWorker(workerId);
        return _workers[workerId];
    }

    function _stakeOf(uint256 workerId) internal view returns (uint256) {
        return _workers[workerId].stake;
    }

    function _reputationOf(uint256 workerId) internal view returns (uint256) {
        return _records[workerId].rate(_settings.priorWeight);
    }

    /// @dev Checks and sets the terms of an unlisted worker, adds the value sent to its stake, and lists it.
    function _setTerms(uint256 workerId, Worker storage self, WorkerTerms calldata terms) private {
        if (terms.pricePerBlock == 0) revert WorkerDispatcher_ZeroPrice();
        if (terms.maxLength == 0 || terms.maxLength > _settings.maxLength) {
            revert WorkerDispatcher_BadLength(_settings.maxLength, terms.maxLength);
        }
        uint256 used = self.slotsUsed;
        if (terms.slots == 0 || terms.slots < used || terms.slots > MAX_SLOTS) {
            revert WorkerDispatcher_BadSlots(Math.max(1, used), MAX_SLOTS, terms.slots);
        }
        if (terms.vettedDigests.length > MAX_DIGESTS) {
            revert WorkerDispatcher_TooManyDigests(MAX_DIGESTS, terms.vettedDigests.length);
        }
        self.stake += msg.value.toUint128();
        uint256 required = (terms.slots - used) * _lockFor(terms.pricePerBlock, terms.maxLength);
        uint256 free = self.stake - self.locked;
        if (free < required) revert WorkerDispatcher_StakeTooLow(required, free);

        self.slots = terms.slots;
        self.vettedDigests = terms.vettedDigests;
        _books.setTerms(workerId, terms.pricePerBlock, terms.maxLength);
        _relist(workerId, self);
    }

    function _setStatus(uint256 workerId, WorkerStatus expected, WorkerStatus status) private {
        Worker storage self = _workers[workerId];
        if (self.status != expected || expected == WorkerStatus.Unregistered) {
            revert WorkerDispatcher_WrongStatus(workerId);
        }
        self.status = status;
        _relist(workerId, self);
    }

    function _unbond(uint256 workerId, Worker storage self, uint256 amount) private {
        self.stake -= amount.toUint128();
        self.unbonding += amount.toUint128();
        self.releaseBlock = (block.number + _settings.unbondingLength).toUint64();
        emit StakeUnbonding(workerId, amount, self.releaseBlock);
    }

    /// @dev Lists or unlists the worker as its status, slots and stake now say.
    function _relist(uint256 workerId, Worker storage self) private {
        OrderBook.Node storage node = _books.nodes[workerId];
        bool free =
            self.status == WorkerStatus.Active &&
                self.slotsUsed < self.slots &&
                self.stake - self.locked >= _lockFor(node.price, node.maxLength);
        if (free && !node.listed) _books.insert(self.applicationType, workerId);
        if (!free) _unlist(workerId, self);
    }

    function _unlist(uint256 workerId, Worker storage self) private {
        if (_books.nodes[workerId].listed) _books.remove(self.applicationType, workerId);
    }

    function _lockFor(uint256 pricePerBlock, uint256 length) private view returns (uint256) {
        return Math.max(_settings.minSlotStake, _settings.stakeFactor * pricePerBlock * length);
    }

    function _view(uint256 workerId) private view returns (WorkerView memory) {
        Worker storage self = _workers[workerId];
        OrderBook.Node storage node = _books.nodes[workerId];
        return
            WorkerView({
                workerId: workerId,
                operator: self.operator,
                twinId: self.twinId,
                status: self.status,
                pricePerBlock: node.price,
                maxLength: node.maxLength,
                slots: self.slots,
                slotsUsed: self.slotsUsed,
                listed: node.listed,
                applicationType: self.applicationType,
                vettedDigests: self.vettedDigests,
                stake: self.stake,
                locked: self.locked,
                unbonding: self.unbonding,
                releaseBlock: self.releaseBlock
            });
    }

    function _checkSetting(bytes32 name, uint256 min, uint256 max, uint256 actual) private pure {
        if (actual < min || actual > max) revert WorkerDispatcher_BadSetting(name, min, max, actual);
    }
}
