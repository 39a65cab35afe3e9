// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {ITesterRegistry} from "../interfaces/ITesterRegistry.sol";
import {ITwins} from "../interfaces/ITwins.sol";
import {IWorkerDispatcher} from "../interfaces/IWorkerDispatcher.sol";
import {IWorkerRecords} from "../interfaces/IWorkerRecords.sol";
import {Ether} from "../libraries/Ether.sol";
import {OrderBook} from "../libraries/OrderBook.sol";
import {
    MarketSettings,
    WorkerReport,
    WorkerSeat,
    WorkerStatus,
    WorkerTerms,
    WorkerView
} from "../types/MarketTypes.sol";

/// @title The workers' side of the market: entries, stake, locks, slashes
/// @dev An entry is in the order book exactly while it is active, has a free slot and free stake for one, so that every
/// entry that a purchase walks can be taken.
abstract contract WorkerStakes is IWorkerDispatcher {
    using OrderBook for OrderBook.Books;
    using SafeCast for uint256;

    struct Worker {
        // Slot 0.
        address operator;
        uint32 twinId;
        uint16 slots;
        WorkerStatus status;
        // Slot 1, all that a purchase changes. `stake` holds `locked`, which agreements hold; `unbonding` has left it.
        // 2^104 wei are more than there is.
        uint104 stake;
        uint104 locked;
        uint16 slotsUsed;
        uint32 lastAgreement;
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

    uint256 internal constant BASIS_POINTS = 10_000;

    ITwins internal immutable TWINS;
    ITesterRegistry internal immutable TESTERS;
    IWorkerRecords internal immutable RECORDS;

    MarketSettings internal _settings;
    OrderBook.Books internal _books;
    uint40 private _workerCount;
    /// @dev The creation nonce of the newest agreement, see AgreementAddress.
    uint32 internal _agreementCount;
    mapping(uint256 workerId => Worker) private _workers;
    mapping(address operator => mapping(bytes32 applicationType => uint256 workerId)) private _workerOf;

    modifier onlyOperator(uint256 workerId) {
        address operator = _requireWorker(workerId).operator;
        if (operator != msg.sender) revert WorkerDispatcher_NotOperator(operator, msg.sender);
        _;
    }

    constructor(ITwins twins_, ITesterRegistry testers_, IWorkerRecords records_, MarketSettings memory settings_) {
        if (address(twins_).code.length == 0) revert WorkerDispatcher_NotAContract("twins", address(twins_));
        if (address(testers_).code.length == 0) revert WorkerDispatcher_NotAContract("testers", address(testers_));
        if (address(records_).code.length == 0) revert WorkerDispatcher_NotAContract("records", address(records_));
        _checkSetting("epochLength", MIN_EPOCH_LENGTH, MAX_PHASE_LENGTH, settings_.epochLength);
        _checkSetting("revealLength", 1, MAX_PHASE_LENGTH, settings_.revealLength);
        _checkSetting("appealLength", 1, MAX_PHASE_LENGTH, settings_.appealLength);
        _checkSetting("unbondingLength", 1, MAX_UNBONDING_LENGTH, settings_.unbondingLength);
        _checkSetting("maxLength", 1, MAX_EPOCHS * settings_.epochLength, settings_.maxLength);
        _checkSetting("stakeFactor", 1, MAX_STAKE_FACTOR, settings_.stakeFactor);
        _checkSetting("minSlotStake", 1, MAX_AMOUNT, settings_.minSlotStake);
        _checkSetting("slashShare", 1, BASIS_POINTS, settings_.slashShare);
        _checkSetting("testerFeePerEpoch", 1, testers_.maxFeePerEpoch(), settings_.testerFeePerEpoch);
        TWINS = twins_;
        TESTERS = testers_;
        RECORDS = records_;
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
        self.stake += msg.value.toUint104();
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
        Ether.pay(msg.sender, amount);
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
    function records() external view returns (address) {
        return address(RECORDS);
    }

    /// @inheritdoc IWorkerDispatcher
    function reputationOf(uint256 workerId) external view returns (uint256 basisPoints) {
        return workerId == 0 || workerId > _workerCount ? 0 : RECORDS.reputationOf(workerId);
    }

    /// @dev Takes a slot of a listed worker and locks its stake for an agreement.
    function _take(uint256 workerId, uint32 number, address agreement, uint256 length) internal {
        Worker storage self = _workers[workerId];
        uint256 lock = _lockFor(_books.nodes[workerId].price, length);
        self.slotsUsed++;
        self.locked += lock.toUint104();
        self.lastAgreement = number;
        emit WorkerAssigned(workerId, agreement, lock);
        _relist(workerId, self);
    }

    /// @dev Locks what a longer agreement needs, of a worker that would still sell at the agreed price.
    function _extendLock(WorkerSeat calldata seat, uint256 oldLength, uint256 newLength) internal {
        uint256 workerId = seat.workerId;
        Worker storage self = _workers[workerId];
        OrderBook.Node storage node = _books.nodes[workerId];
        if (self.status != WorkerStatus.Active || node.price > seat.pricePerBlock || node.maxLength < newLength)
            revert WorkerDispatcher_WorkerNotWilling(workerId);
        uint256 lock = _lockFor(seat.pricePerBlock, newLength);
        uint256 more = lock - _lockFor(seat.pricePerBlock, oldLength);
        uint256 free = self.stake - self.locked;
        if (more > free) revert WorkerDispatcher_StakeNotFree(free, more);
        self.locked += more.toUint104();
        emit LockExtended(workerId, msg.sender, lock);
        _relist(workerId, self);
    }

    /// @dev Slashes what was found wrong, gives the slot back and opens the rest of the lock.
    /// @return slashed Wei taken from the lock.
    function _release(WorkerReport calldata workerReport, uint256 length) internal returns (uint256 slashed) {
        uint256 workerId = workerReport.workerId;
        Worker storage self = _workers[workerId];
        uint256 lock = _lockFor(workerReport.pricePerBlock, length);
        slashed = Math.min(lock, (lock * workerReport.epochsWrong * _settings.slashShare) / BASIS_POINTS);
        self.slotsUsed--;
        self.locked -= lock.toUint104();
        if (slashed != 0) self.stake -= slashed.toUint104();
        emit WorkerReleased(workerId, msg.sender, lock - slashed);
        _relist(workerId, self);
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
        if (msg.value != 0) self.stake += msg.value.toUint104();
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
        self.stake -= amount.toUint104();
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
                releaseBlock: self.releaseBlock,
                lastAgreement: self.lastAgreement
            });
    }

    function _checkSetting(bytes32 name, uint256 min, uint256 max, uint256 actual) private pure {
        if (actual < min || actual > max) revert WorkerDispatcher_BadSetting(name, min, max, actual);
    }
}
