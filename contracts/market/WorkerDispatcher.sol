// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {ITesterRegistry} from "../interfaces/ITesterRegistry.sol";
import {ITwins} from "../interfaces/ITwins.sol";
import {IWorkAgreement} from "../interfaces/IWorkAgreement.sol";
import {IWorkerDispatcher} from "../interfaces/IWorkerDispatcher.sol";
import {IWorkerRecords} from "../interfaces/IWorkerRecords.sol";
import {AgreementAddress} from "../libraries/AgreementAddress.sol";
import {AgreementArgs} from "../libraries/AgreementArgs.sol";
import {Ether} from "../libraries/Ether.sol";
import {OrderBook} from "../libraries/OrderBook.sol";
import {WeightedDraw} from "../libraries/WeightedDraw.sol";
import {AgreementTerms, PurchaseRequest, WorkerReport, WorkerSeat} from "../types/MarketTypes.sol";
import {MarketSettings} from "../types/MarketTypes.sol";
import {WorkerStakes} from "./WorkerStakes.sol";

/// @title The market: workers, their stake, purchases, reputation, see {IWorkerDispatcher}
contract WorkerDispatcher is WorkerStakes, ReentrancyGuardTransient {
    using OrderBook for OrderBook.Books;
    using SafeCast for uint256;

    /// @dev The entries that a purchase can draw from, cheapest first.
    struct Pool {
        uint256 size;
        uint256[] ids;
        uint256[] weights;
        uint256[] prices;
    }

    /// @notice Blocks between a purchase and its first block of work, at most.
    uint256 public constant MAX_START_DELAY = 100_000;
    /// @notice A purchase draws among this many times as many workers as it takes.
    uint256 public constant CANDIDATES_PER_SEAT = 3;
    /// @notice Entries of the order book that one purchase looks at, at most.
    uint256 public constant MAX_BOOK_STEPS = 128;
    /// @notice Entries too short for the purchase that it passes over before it leaves their length class, at most. So
    /// cheap short workers cannot stand before the longer ones.
    uint256 public constant MAX_SHORT_STEPS = 32;
    /// @notice Testers for each epoch when the client names no number.
    uint256 public constant DEFAULT_TESTER_COUNT = 3;
    /// @notice Testers for each epoch, at most; the number is odd.
    uint256 public constant MAX_TESTER_COUNT = 7;

    address private immutable IMPLEMENTATION;

    modifier onlyAgreement(uint32 number) {
        if (number == 0 || msg.sender != AgreementAddress.compute(address(this), number)) {
            revert WorkerDispatcher_NotAnAgreement(msg.sender);
        }
        _;
    }

    /// @param implementation_ A WorkAgreement made for the same tester registry.
    /// @dev Attaches itself to the registry and the records, so each serves one dispatcher.
    constructor(
        ITwins twins_,
        ITesterRegistry testers_,
        IWorkerRecords records_,
        address implementation_,
        MarketSettings memory settings_
    ) WorkerStakes(twins_, testers_, records_, settings_) {
        if (implementation_.code.length == 0) revert WorkerDispatcher_NotAContract("implementation", implementation_);
        IMPLEMENTATION = implementation_;
        testers_.attachDispatcher(IWorkAgreement(implementation_).disputes());
        records_.attachDispatcher();
    }

    /// @inheritdoc IWorkerDispatcher
    function buyContract(uint256 redundancy, uint256 length) external payable nonReentrant returns (address agreement) {
        return _buyFor(_plainRequest(redundancy, length));
    }

    /// @inheritdoc IWorkerDispatcher
    function buyContractFor(
        PurchaseRequest calldata request
    ) external payable nonReentrant returns (address agreement) {
        return _buyFor(request);
    }

    /// @inheritdoc IWorkerDispatcher
    function buyContractWith(
        uint256[] calldata workerIds,
        uint256 length
    ) external payable nonReentrant returns (address agreement) {
        PurchaseRequest memory request = _chosenRequest(workerIds, length);
        return _buy(request, workerIds);
    }

    /// @inheritdoc IWorkerDispatcher
    function report(
        uint32 number,
        address client,
        uint256 length,
        WorkerReport[] calldata reports
    ) external onlyAgreement(number) returns (uint256 compensation) {
        uint256 slashed;
        // At most MAX_REDUNDANCY reports.
        for (uint256 i = 0; i < reports.length; i++) {
            uint256 taken = _release(reports[i], length);
            RECORDS.add(client, reports[i], taken);
            if (taken == 0) continue;
            uint256 toClient = Math.min(taken, reports[i].clientLoss);
            slashed += taken;
            compensation += toClient;
            emit WorkerSlashed(reports[i].workerId, msg.sender, taken, toClient);
        }
        emit AgreementFinalized(msg.sender);
        Ether.pay(msg.sender, compensation);
        Ether.burn(slashed - compensation);
    }

    /// @inheritdoc IWorkerDispatcher
    function extendLocks(
        uint32 number,
        uint256 oldLength,
        uint256 newLength,
        WorkerSeat[] calldata seats
    ) external onlyAgreement(number) {
        if (newLength > _settings.maxLength) revert WorkerDispatcher_BadLength(_settings.maxLength, newLength);
        for (uint256 i = 0; i < seats.length; i++) {
            _extendLock(seats[i], oldLength, newLength);
        }
    }

    /// @inheritdoc IWorkerDispatcher
    function quote(uint256 redundancy, uint256 length) external view returns (uint256 atMost) {
        return _quoteFor(_plainRequest(redundancy, length));
    }

    /// @inheritdoc IWorkerDispatcher
    function quoteFor(PurchaseRequest calldata request) external view returns (uint256 atMost) {
        return _quoteFor(request);
    }

    /// @inheritdoc IWorkerDispatcher
    function quoteWith(uint256[] calldata workerIds, uint256 length) external view returns (uint256 exact) {
        return _costOf(_chosenRequest(workerIds, length), _priceOf(workerIds));
    }

    /// @inheritdoc IWorkerDispatcher
    function candidates(PurchaseRequest calldata request) external view returns (uint256[] memory workerIds) {
        PurchaseRequest memory checked = _check(request);
        Pool memory pool = _pool(checked);
        workerIds = new uint256[](pool.size);
        for (uint256 i = 0; i < pool.size; i++) {
            workerIds[i] = pool.ids[i];
        }
    }

    /// @inheritdoc IWorkerDispatcher
    function implementation() external view returns (address) {
        return IMPLEMENTATION;
    }

    /// @inheritdoc IWorkerDispatcher
    function agreementCount() external view returns (uint256) {
        return _agreementCount;
    }

    /// @inheritdoc IWorkerDispatcher
    function agreementAt(uint256 number) external view returns (address) {
        return AgreementAddress.compute(address(this), number.toUint32());
    }

    /// @inheritdoc IWorkerDispatcher
    function agreements(uint256 fromNumber, uint256 count) external view returns (address[] memory page) {
        if (fromNumber == 0 || fromNumber > _agreementCount) return page;
        page = new address[](Math.min(Math.min(count, MAX_PAGE), _agreementCount - fromNumber + 1));
        for (uint256 i = 0; i < page.length; i++) {
            page[i] = AgreementAddress.compute(address(this), (fromNumber + i).toUint32());
        }
    }

    /// @inheritdoc IWorkerDispatcher
    function isAgreement(address account) external view returns (bool) {
        // A stranger may answer with nothing, or with very much: only one word is looked at.
        bytes memory question = abi.encodeCall(IWorkAgreement.number, ());
        uint256 claimed;
        assembly ("memory-safe") {
            let answered := staticcall(gas(), account, add(question, 0x20), mload(question), 0, 0x20)
            if and(answered, gt(returndatasize(), 0x1f)) {
                claimed := mload(0)
            }
        }
        // Whatever it says, its address is not the one that its number has.
        return
            claimed != 0 &&
            claimed <= _agreementCount &&
            account == AgreementAddress.compute(address(this), claimed.toUint32());
    }

    function _buyFor(PurchaseRequest memory request) private returns (address agreement) {
        request = _check(request);
        Pool memory pool = _pool(request);
        if (pool.size < request.redundancy) {
            revert WorkerDispatcher_NotEnoughWorkers(request.redundancy, pool.size);
        }
        // A client that sends again gets another draw. That is its right: it may name its workers, too.
        bytes32 seed = keccak256(abi.encode(blockhash(block.number - 1), msg.sender, _agreementCount));
        WeightedDraw.draw(seed, pool.ids, pool.weights, pool.size, request.redundancy);
        uint256[] memory workerIds = new uint256[](request.redundancy);
        for (uint256 i = 0; i < workerIds.length; i++) {
            workerIds[i] = pool.ids[i];
        }
        return _buy(request, workerIds);
    }

    /// @dev Takes exactly the price. Too little: gives all back and returns zero. Too much: gives the rest back.
    function _buy(PurchaseRequest memory request, uint256[] memory workerIds) private returns (address agreement) {
        // Check.
        if (TWINS.twinOf(msg.sender) == 0) revert WorkerDispatcher_NotATwin(msg.sender);
        (AgreementTerms memory terms, address[] memory excluded) = _termsOf(request, workerIds);
        uint256 available = TESTERS.availableFor(request.testerFeePerEpoch, excluded);
        if (available < request.testerCount) {
            revert WorkerDispatcher_NotEnoughTesters(request.testerCount, available);
        }
        uint256 required = _costOf(request, _priceOf(workerIds));
        if (msg.value < required) {
            emit PurchaseRejected(msg.sender, required, msg.value);
            Ether.pay(msg.sender, msg.value);
            return address(0);
        }

        // Effect.
        _agreementCount = terms.number;
        agreement = Clones.cloneWithImmutableArgs(IMPLEMENTATION, AgreementArgs.encode(terms), required);
        for (uint256 i = 0; i < workerIds.length; i++) {
            _take(workerIds[i], terms.number, agreement, request.length);
        }
        emit AgreementCreated(
            agreement,
            msg.sender,
            terms.number,
            request.applicationType,
            workerIds,
            terms.start,
            request.length,
            required
        );

        // Interaction.
        Ether.pay(msg.sender, msg.value - required);
    }

    function _quoteFor(PurchaseRequest memory request) private view returns (uint256) {
        request = _check(request);
        Pool memory pool = _pool(request);
        if (pool.size < request.redundancy) {
            revert WorkerDispatcher_NotEnoughWorkers(request.redundancy, pool.size);
        }
        uint256 pricePerBlock;
        for (uint256 taken = 0; taken < request.redundancy; taken++) {
            uint256 dearest = taken;
            for (uint256 i = taken + 1; i < pool.size; i++) {
                if (pool.prices[i] > pool.prices[dearest]) dearest = i;
            }
            pricePerBlock += pool.prices[dearest];
            pool.prices[dearest] = pool.prices[taken];
        }
        return _costOf(request, pricePerBlock);
    }

    /// @dev The cheapest entries that fit, at most CANDIDATES_PER_SEAT for each seat; looks at MAX_BOOK_STEPS at most.
    function _pool(PurchaseRequest memory request) private view returns (Pool memory pool) {
        uint256 wanted = request.redundancy * CANDIDATES_PER_SEAT;
        pool.ids = new uint256[](wanted);
        pool.weights = new uint256[](wanted);
        pool.prices = new uint256[](wanted);
        uint256 ceiling = request.maxPricePerBlock == 0 ? type(uint96).max : request.maxPricePerBlock;
        uint256 ceilingLevel = OrderBook.levelOf(ceiling);

        OrderBook.Walk memory walk = _books.walk(request.applicationType, request.length);
        uint256 tooShort;
        for (uint256 steps = 0; steps < MAX_BOOK_STEPS && pool.size < wanted; steps++) {
            uint256 id = _books.step(walk);
            if (id == 0) break;
            OrderBook.Node storage node = _books.nodes[id];
            uint256 price = node.price;
            // Levels never fall on the way, prices within one may.
            if (OrderBook.levelOf(price) > ceilingLevel) break;
            if (node.maxLength < request.length) {
                if (++tooShort == MAX_SHORT_STEPS) OrderBook.dropLowest(walk, request.length);
                continue;
            }
            if (price > ceiling) continue;
            if (request.minReputation != 0 && RECORDS.reputationOf(id) < request.minReputation) continue;
            pool.ids[pool.size] = id;
            pool.weights[pool.size] = _stakeOf(id);
            pool.prices[pool.size] = price;
            pool.size++;
        }
    }

    function _plainRequest(uint256 redundancy, uint256 length) private pure returns (PurchaseRequest memory request) {
        request.redundancy = redundancy;
        request.length = length;
    }

    /// @dev Checks the client's choice of workers as `_check` and `_pool` check a request.
    function _chosenRequest(
        uint256[] calldata workerIds,
        uint256 length
    ) private view returns (PurchaseRequest memory request) {
        request = _check(_plainRequest(workerIds.length, length));
        request.applicationType = _requireWorker(workerIds[0]).applicationType;
        for (uint256 i = 0; i < workerIds.length; i++) {
            Worker storage self = _requireWorker(workerIds[i]);
            if (self.applicationType != request.applicationType) {
                revert WorkerDispatcher_MixedApplications(request.applicationType, self.applicationType);
            }
            OrderBook.Node storage node = _books.nodes[workerIds[i]];
            if (!node.listed) revert WorkerDispatcher_WorkerNotAvailable(workerIds[i]);
            if (length > node.maxLength) revert WorkerDispatcher_BadLength(node.maxLength, length);
            // An operator has one entry per application type, so distinct workers are distinct operators.
            for (uint256 j = 0; j < i; j++) {
                if (workerIds[j] == workerIds[i]) revert WorkerDispatcher_DuplicateOperator(self.operator);
            }
        }
    }

    /// @dev Checks a request's numbers and fills in the defaults.
    function _check(PurchaseRequest memory request) private view returns (PurchaseRequest memory) {
        if (request.redundancy == 0 || request.redundancy > MAX_REDUNDANCY) {
            revert WorkerDispatcher_BadRedundancy(MAX_REDUNDANCY, request.redundancy);
        }
        if (request.length == 0 || request.length > _settings.maxLength) {
            revert WorkerDispatcher_BadLength(_settings.maxLength, request.length);
        }
        if (request.startAfter > MAX_START_DELAY) {
            revert WorkerDispatcher_BadStartDelay(MAX_START_DELAY, request.startAfter);
        }
        if (request.testerCount == 0) request.testerCount = DEFAULT_TESTER_COUNT;
        if (request.testerCount % 2 == 0 || request.testerCount > MAX_TESTER_COUNT) {
            revert WorkerDispatcher_BadTesterCount(request.testerCount);
        }
        if (request.testerFeePerEpoch == 0) request.testerFeePerEpoch = _settings.testerFeePerEpoch;
        uint256 maxFee = TESTERS.maxFeePerEpoch();
        if (request.testerFeePerEpoch > maxFee) {
            revert WorkerDispatcher_BadTesterFee(maxFee, request.testerFeePerEpoch);
        }
        return request;
    }

    /// @dev The agreement's terms, and the accounts that must not test it: the workers' operators and the client.
    function _termsOf(
        PurchaseRequest memory request,
        uint256[] memory workerIds
    ) private view returns (AgreementTerms memory terms, address[] memory excluded) {
        uint256 count = workerIds.length;
        WorkerSeat[] memory seats = new WorkerSeat[](count);
        excluded = new address[](count + 1);
        excluded[count] = msg.sender;
        for (uint256 i = 0; i < count; i++) {
            Worker storage self = _worker(workerIds[i]);
            address operator = self.operator;
            seats[i] = WorkerSeat({
                workerId: workerIds[i].toUint40(),
                twinId: self.twinId,
                previous: self.lastAgreement,
                operator: operator,
                pricePerBlock: _books.nodes[workerIds[i]].price
            });
            excluded[i] = operator;
            // A client that buys from itself is excluded once.
            if (operator == msg.sender) excluded[count] = address(0);
        }
        terms = AgreementTerms({
            client: msg.sender,
            start: (block.number + request.startAfter).toUint40(),
            length: request.length.toUint32(),
            epochLength: _settings.epochLength,
            revealLength: _settings.revealLength,
            appealLength: _settings.appealLength,
            testerCount: request.testerCount.toUint8(),
            number: _agreementCount + 1,
            testerFeePerEpoch: request.testerFeePerEpoch.toUint96(),
            workers: seats
        });
    }

    function _priceOf(uint256[] memory workerIds) private view returns (uint256 pricePerBlock) {
        for (uint256 i = 0; i < workerIds.length; i++) {
            pricePerBlock += _books.nodes[workerIds[i]].price;
        }
    }

    /// @dev Work and all tester fees, in wei. No overflow: 96 + 5 + 32 bits and 96 + 3 + 32 bits.
    function _costOf(PurchaseRequest memory request, uint256 pricePerBlock) private view returns (uint256) {
        uint256 epochs = Math.ceilDiv(request.length, _settings.epochLength);
        return pricePerBlock * request.length + request.testerCount * request.testerFeePerEpoch * epochs;
    }
}
