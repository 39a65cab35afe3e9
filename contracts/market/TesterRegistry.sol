// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";

import {ITesterRegistry} from "../interfaces/ITesterRegistry.sol";
import {ITwins} from "../interfaces/ITwins.sol";
import {IWorkerDispatcher} from "../interfaces/IWorkerDispatcher.sol";
import {WeightedDraw} from "../libraries/WeightedDraw.sol";
import {DrawRequest, TesterSettings, TesterView} from "../types/MarketTypes.sol";

/// @title Testers: who they are, what they stake, who is drawn, see {ITesterRegistry}
contract TesterRegistry is ITesterRegistry, ReentrancyGuardTransient {
    using Checkpoints for Checkpoints.Trace208;
    using SafeCast for uint256;

    struct Tester {
        // Slot 0.
        address account;
        uint32 twinId;
        // Place in the list, counted from 1; 0 when it cannot be drawn.
        uint32 position;
        bool active;
        // Slot 1. `pastCapacity` is the largest capacity of the last SEED_REACH blocks before `capacityChangedAt`.
        uint96 feePerEpoch;
        uint16 capacity;
        uint16 duties;
        uint16 pastCapacity;
        uint48 capacityChangedAt;
        // Slot 2. `stake` holds `setAside` and `unbonding`.
        uint128 stake;
        uint128 setAside;
        // Slot 3.
        uint128 unbonding;
        uint64 releaseBlock;
        // Slot 4.
        uint32 revealed;
        uint32 missed;
        uint32 overturned;
    }

    /// @notice Duties that a tester can take at once, at most.
    uint16 public constant MAX_CAPACITY = 4096;
    /// @notice Testers looked at in one draw, at most.
    uint256 public constant MAX_PROBES = 64;
    /// @notice A draw looks no further once it has this many eligible testers for each seat.
    uint256 public constant CANDIDATES_PER_SEAT = 3;
    /// @notice Testers returned by one call of `testers`, at most.
    uint256 public constant MAX_PAGE = 100;
    /// @notice Most blocks that stake can be made to wait.
    uint24 public constant MAX_UNBONDING_LENGTH = 1_000_000;
    /// @notice Most wei that a duty can be made to set aside.
    uint128 public constant MAX_DUTY_STAKE = 1_000_000 ether;

    /// @dev BLOCKHASH reaches this far back, so no older seed is ever used.
    uint256 private constant SEED_REACH = 256;
    /// @dev A checkpoint holds the drawable stake above, the fee in the low 96 bits. No stake: cannot be drawn.
    uint256 private constant FEE_BITS = 96;

    ITwins private immutable TWINS;
    uint128 private immutable DUTY_STAKE;
    uint24 private immutable UNBONDING_LENGTH;

    address private _dispatcher;
    uint32 private _testerCount;
    mapping(address account => uint256 testerId) private _testerOf;
    mapping(uint256 testerId => Tester) private _testers;
    /// @dev Drawable stake and fee over time.
    mapping(uint256 testerId => Checkpoints.Trace208) private _weights;
    /// @dev Who stood at a place of the list over time; places count from 1.
    mapping(uint256 position => Checkpoints.Trace208) private _positions;
    Checkpoints.Trace208 private _size;

    modifier onlyAgreement() {
        if (_dispatcher == address(0) || !IWorkerDispatcher(_dispatcher).isAgreement(msg.sender)) {
            revert TesterRegistry_NotAnAgreement(msg.sender);
        }
        _;
    }

    constructor(ITwins twins, TesterSettings memory settings_) {
        _checkSetting("twins", 1, type(uint256).max, address(twins).code.length);
        _checkSetting("dutyStake", 1, MAX_DUTY_STAKE, settings_.dutyStake);
        _checkSetting("unbondingLength", 1, MAX_UNBONDING_LENGTH, settings_.unbondingLength);
        TWINS = twins;
        DUTY_STAKE = settings_.dutyStake;
        UNBONDING_LENGTH = settings_.unbondingLength;
    }

    /// @inheritdoc ITesterRegistry
    function registerTester(uint96 feePerEpoch, uint16 capacity) external payable returns (uint256 testerId) {
        uint256 twinId = TWINS.twinOf(msg.sender);
        if (twinId == 0) revert TesterRegistry_NotATwin(msg.sender);
        testerId = _testerOf[msg.sender];
        if (testerId == 0) {
            testerId = ++_testerCount;
            _testerOf[msg.sender] = testerId;
        }
        Tester storage self = _testers[testerId];
        if (self.active) revert TesterRegistry_AlreadyRegistered(msg.sender, testerId);
        if (capacity == 0) revert TesterRegistry_BadCapacity(MAX_CAPACITY, capacity);

        self.account = msg.sender;
        self.twinId = twinId.toUint32();
        self.active = true;
        _setTerms(self, feePerEpoch, capacity);
        _refresh(testerId, self);
        emit TesterRegistered(testerId, msg.sender, feePerEpoch, capacity, self.stake - self.unbonding);
    }

    /// @inheritdoc ITesterRegistry
    function updateTester(uint96 feePerEpoch, uint16 capacity) external payable {
        (uint256 testerId, Tester storage self) = _activeTester();
        _setTerms(self, feePerEpoch, capacity);
        _refresh(testerId, self);
        emit TesterUpdated(testerId, feePerEpoch, capacity, self.stake - self.unbonding);
    }

    /// @inheritdoc ITesterRegistry
    function unregisterTester() external {
        (uint256 testerId, Tester storage self) = _activeTester();
        self.active = false;
        _setCapacity(self, 0);
        self.unbonding = self.stake;
        self.releaseBlock = (block.number + UNBONDING_LENGTH).toUint64();
        _refresh(testerId, self);
        emit TesterUnregistered(testerId);
        emit TesterStakeUnbonding(testerId, self.unbonding, self.releaseBlock);
    }

    /// @inheritdoc ITesterRegistry
    function unbondStake(uint128 amount) external {
        (uint256 testerId, Tester storage self) = _activeTester();
        uint256 committed = uint256(self.setAside) + self.unbonding;
        // Both can overlap: stake that is leaving is set aside, too, when a tester leaves while it has duties.
        uint256 free = self.stake > committed ? self.stake - committed : 0;
        if (amount > free) revert TesterRegistry_StakeNotFree(free, amount);
        self.unbonding += amount;
        _checkBacking(self);

        self.releaseBlock = (block.number + UNBONDING_LENGTH).toUint64();
        _refresh(testerId, self);
        emit TesterStakeUnbonding(testerId, amount, self.releaseBlock);
    }

    /// @inheritdoc ITesterRegistry
    function withdrawStake() external nonReentrant {
        uint256 testerId = _testerOf[msg.sender];
        Tester storage self = _testers[testerId];
        uint128 amount = uint128(Math.min(self.unbonding, self.stake - self.setAside));
        if (amount == 0 || block.number < self.releaseBlock) {
            revert TesterRegistry_NothingToWithdraw(self.releaseBlock, amount);
        }
        self.unbonding -= amount;
        self.stake -= amount;
        emit TesterStakeWithdrawn(testerId, msg.sender, amount);
        (bool sent, ) = msg.sender.call{value: amount}("");
        if (!sent) revert TesterRegistry_TransferFailed(msg.sender, amount);
    }

    /// @inheritdoc ITesterRegistry
    function attachDispatcher() external {
        if (_dispatcher != address(0)) revert TesterRegistry_AlreadyAttached(_dispatcher);
        _dispatcher = msg.sender;
        emit DispatcherAttached(msg.sender);
    }

    /// @inheritdoc ITesterRegistry
    function assign(
        DrawRequest calldata request
    ) external onlyAgreement returns (uint32[] memory testerIds, uint256 excused) {
        testerIds = _draw(msg.sender, request);
        for (uint256 i = 0; i < testerIds.length; i++) {
            uint256 testerId = testerIds[i];
            Tester storage self = _testers[testerId];
            bool isExcused = _isFull(self, request.seedBlock);
            if (isExcused) {
                excused |= 1 << i;
            } else {
                self.duties++;
                self.setAside += DUTY_STAKE;
                if (self.duties == self.capacity) _refresh(testerId, self);
            }
            emit DutyAssigned(testerId, msg.sender, request.epoch, isExcused);
        }
    }

    /// @inheritdoc ITesterRegistry
    function release(
        uint256 epoch,
        uint32[] calldata testerIds,
        uint256 excused,
        uint256 revealed
    ) external onlyAgreement {
        for (uint256 i = 0; i < testerIds.length; i++) {
            uint256 testerId = testerIds[i];
            Tester storage self = _testers[testerId];
            bool didReveal = (revealed >> i) & 1 == 1;
            bool wasExcused = (excused >> i) & 1 == 1;
            if (didReveal) self.revealed++;
            else if (!wasExcused) self.missed++;
            if (!wasExcused) {
                bool wasFull = self.duties-- == self.capacity;
                self.setAside -= DUTY_STAKE;
                if (wasFull) _refresh(testerId, self);
            }
            emit DutyReleased(testerId, msg.sender, epoch, didReveal);
        }
    }

    /// @inheritdoc ITesterRegistry
    function draw(address agreement, DrawRequest calldata request) external view returns (uint32[] memory testerIds) {
        return _draw(agreement, request);
    }

    /// @inheritdoc ITesterRegistry
    function dispatcher() external view returns (address) {
        return _dispatcher;
    }

    /// @inheritdoc ITesterRegistry
    function settings() external view returns (TesterSettings memory) {
        return TesterSettings({dutyStake: DUTY_STAKE, unbondingLength: UNBONDING_LENGTH});
    }

    /// @inheritdoc ITesterRegistry
    function testerCount() external view returns (uint256) {
        return _testerCount;
    }

    /// @inheritdoc ITesterRegistry
    function activeCount() external view returns (uint256) {
        return _size.latest();
    }

    /// @inheritdoc ITesterRegistry
    function activeCountWithout(address[] calldata excluded) external view returns (uint256 count) {
        count = _size.latest();
        for (uint256 i = 0; i < excluded.length; i++) {
            uint256 testerId = _testerOf[excluded[i]];
            if (testerId != 0 && _testers[testerId].position != 0) count--;
        }
    }

    /// @inheritdoc ITesterRegistry
    function testerOf(address account) external view returns (uint256 testerId) {
        return _testerOf[account];
    }

    /// @inheritdoc ITesterRegistry
    function accountOf(uint256 testerId) external view returns (address) {
        return _testers[testerId].account;
    }

    /// @inheritdoc ITesterRegistry
    function tester(uint256 testerId) external view returns (TesterView memory) {
        if (testerId == 0 || testerId > _testerCount) revert TesterRegistry_UnknownTester(testerId);
        return _view(testerId);
    }

    /// @inheritdoc ITesterRegistry
    function testers(uint256 fromId, uint256 count) external view returns (TesterView[] memory page) {
        uint256 last = _testerCount;
        if (fromId == 0 || fromId > last) return page;
        page = new TesterView[](Math.min(Math.min(count, MAX_PAGE), last - fromId + 1));
        for (uint256 i = 0; i < page.length; i++) {
            page[i] = _view(fromId + i);
        }
    }

    /// @dev Adds the value sent, sets fee and capacity, and checks that the stake backs them.
    function _setTerms(Tester storage self, uint96 feePerEpoch, uint16 capacity) private {
        if (capacity > MAX_CAPACITY) revert TesterRegistry_BadCapacity(MAX_CAPACITY, capacity);
        self.feePerEpoch = feePerEpoch;
        self.stake += msg.value.toUint128();
        _setCapacity(self, capacity);
        _checkBacking(self);
    }

    /// @dev Keeps the larger capacity in mind as long as an epoch could still be opened with a seed from before: a
    /// tester that has seen its draw cannot excuse itself by lowering its capacity.
    function _setCapacity(Tester storage self, uint16 capacity) private {
        bool recent = block.number <= self.capacityChangedAt + SEED_REACH;
        self.pastCapacity = recent ? uint16(Math.max(self.pastCapacity, self.capacity)) : self.capacity;
        self.capacityChangedAt = block.number.toUint48();
        self.capacity = capacity;
    }

    function _checkBacking(Tester storage self) private view {
        uint256 required = uint256(self.capacity) * DUTY_STAKE;
        uint256 backing = self.stake - self.unbonding;
        if (backing < required) revert TesterRegistry_StakeTooLow(required, backing);
    }

    /// @dev Brings list and checkpoint in line with the tester after any change.
    function _refresh(uint256 testerId, Tester storage self) private {
        bool listed = self.active && self.capacity != 0;
        if (listed && self.position == 0) _append(testerId, self);
        if (!listed && self.position != 0) _remove(self);

        bool drawable = listed && self.duties < self.capacity;
        uint256 weight = drawable ? self.stake - self.unbonding : 0;
        _weights[testerId].push(block.number.toUint48(), ((weight << FEE_BITS) | self.feePerEpoch).toUint208());
    }

    function _append(uint256 testerId, Tester storage self) private {
        uint256 position = _size.latest() + 1;
        self.position = position.toUint32();
        _positions[position].push(block.number.toUint48(), testerId.toUint208());
        _size.push(block.number.toUint48(), position.toUint208());
    }

    /// @dev The last one in the list takes the free place.
    function _remove(Tester storage self) private {
        uint256 last = _size.latest();
        uint256 position = self.position;
        if (position != last) {
            uint208 moved = _positions[last].latest();
            _testers[moved].position = position.toUint32();
            _positions[position].push(block.number.toUint48(), moved);
        }
        self.position = 0;
        _size.push(block.number.toUint48(), (last - 1).toUint208());
    }

    /// @dev Full at opening time. What the tester itself changed since the seed block does not count.
    function _isFull(Tester storage self, uint256 seedBlock) private view returns (bool) {
        uint256 capacity = self.capacity;
        if (self.capacityChangedAt >= seedBlock) capacity = Math.max(capacity, self.pastCapacity);
        return self.duties >= capacity || self.stake - self.setAside < DUTY_STAKE;
    }

    /// @dev Looks at testers in a random order until there are CANDIDATES_PER_SEAT for each seat, then draws among
    /// them by stake. Reads only blockhash(S) and state as of S - 1, and accounts, which never change.
    function _draw(address agreement, DrawRequest calldata request) private view returns (uint32[] memory testerIds) {
        bytes32 seed = keccak256(abi.encode(blockhash(request.seedBlock), agreement, request.epoch));
        uint256 wanted = request.testerCount * CANDIDATES_PER_SEAT;
        uint256[] memory ids = new uint256[](wanted);
        uint256[] memory weights = new uint256[](wanted);
        uint256 found = _collect(seed, request, ids, weights);

        WeightedDraw.draw(keccak256(abi.encode(seed, "seats")), ids, weights, found, request.testerCount);
        testerIds = new uint32[](Math.min(found, request.testerCount));
        for (uint256 i = 0; i < testerIds.length; i++) {
            testerIds[i] = ids[i].toUint32();
        }
    }

    /// @dev Walks a random permutation of the list (Fisher and Yates, the swaps kept in memory), at most MAX_PROBES.
    function _collect(
        bytes32 seed,
        DrawRequest calldata request,
        uint256[] memory ids,
        uint256[] memory weights
    ) private view returns (uint256 found) {
        uint48 asOf = (request.seedBlock - 1).toUint48();
        uint256 size = _size.upperLookupRecent(asOf);
        uint256 probes = Math.min(size, MAX_PROBES);
        uint256[] memory swapped = new uint256[](probes);
        uint256[] memory places = new uint256[](probes);
        for (uint256 i = 0; i < probes && found < ids.length; i++) {
            uint256 j = i + (uint256(keccak256(abi.encode(seed, i))) % (size - i));
            places[i] = j;
            swapped[i] = _placeAt(places, swapped, i, i);
            uint256 testerId = _positions[_placeAt(places, swapped, j, i) + 1].upperLookupRecent(asOf);
            uint256 value = _weights[testerId].upperLookupRecent(asOf);
            if (_eligible(testerId, value, request)) {
                ids[found] = testerId;
                weights[found] = value >> FEE_BITS;
                found++;
            }
        }
    }

    /// @dev What stands at `place` after `steps` swaps; the newest swap that touched it counts.
    function _placeAt(
        uint256[] memory places,
        uint256[] memory swapped,
        uint256 place,
        uint256 steps
    ) private pure returns (uint256) {
        for (uint256 i = steps; i > 0; i--) {
            if (places[i - 1] == place) return swapped[i - 1];
        }
        return place;
    }

    function _eligible(uint256 testerId, uint256 value, DrawRequest calldata request) private view returns (bool) {
        if (value >> FEE_BITS == 0 || uint96(value) > request.feePerEpoch) return false;
        address account = _testers[testerId].account;
        for (uint256 i = 0; i < request.excluded.length; i++) {
            if (request.excluded[i] == account) return false;
        }
        return true;
    }

    function _activeTester() private view returns (uint256 testerId, Tester storage self) {
        testerId = _testerOf[msg.sender];
        self = _testers[testerId];
        if (!self.active) revert TesterRegistry_NotRegistered(msg.sender);
    }

    function _view(uint256 testerId) private view returns (TesterView memory) {
        Tester storage self = _testers[testerId];
        return
            TesterView({
                testerId: testerId,
                account: self.account,
                twinId: self.twinId,
                active: self.active,
                feePerEpoch: self.feePerEpoch,
                capacity: self.capacity,
                duties: self.duties,
                stake: self.stake,
                setAside: self.setAside,
                unbonding: self.unbonding,
                releaseBlock: self.releaseBlock,
                revealed: self.revealed,
                missed: self.missed,
                overturned: self.overturned
            });
    }

    function _checkSetting(bytes32 name, uint256 min, uint256 max, uint256 actual) private pure {
        if (actual < min || actual > max) revert TesterRegistry_BadSetting(name, min, max, actual);
    }
}
