// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Twins} from "../../../contracts/identity/Twins.sol";
import {TesterRegistry} from "../../../contracts/market/TesterRegistry.sol";
import {WorkAgreement} from "../../../contracts/market/WorkAgreement.sol";
import {WorkerDispatcher} from "../../../contracts/market/WorkerDispatcher.sol";
import {
    EpochWindows,
    MarketSettings,
    PurchaseRequest,
    TesterSettings,
    Verdict,
    WorkerTerms
} from "../../../contracts/types/MarketTypes.sol";
import {SolidityTest} from "../base/Vm.sol";

/// @dev Plays the market at random: eight accounts, each of which is client, worker and tester as it comes. It keeps
/// the books that the invariants are checked against.
contract MarketHandler is SolidityTest {
    uint256 public constant ACTORS = 8;
    uint256 public constant MAX_AGREEMENTS = 6;
    uint96 public constant FEE = 1_000 gwei;

    Twins public twins;
    TesterRegistry public registry;
    WorkerDispatcher public dispatcher;

    address[] public actors;
    WorkAgreement[] public agreements;
    /// @dev Wei that each agreement was bought for, and that left it since.
    mapping(address agreement => uint256) public paidIn;
    mapping(address agreement => uint256) public paidOut;
    mapping(address agreement => mapping(address account => uint256)) public withdrawn;
    mapping(address agreement => uint256) public lastStatus;
    mapping(address agreement => mapping(uint256 epoch => mapping(address tester => Verdict[]))) private _promised;
    /// @dev Set when a call lowered another account's credit, or a state went back.
    bool public creditFell;
    bool public stateWentBack;

    constructor() {
        twins = new Twins();
        registry = new TesterRegistry(twins, TesterSettings({dutyStake: 0.01 ether, unbondingLength: 8}));
        dispatcher = new WorkerDispatcher(
            twins,
            registry,
            address(new WorkAgreement(registry)),
            MarketSettings({
                epochLength: 12,
                revealLength: 8,
                appealLength: 8,
                unbondingLength: 8,
                maxLength: 6_144,
                stakeFactor: 2,
                minSlotStake: 0.01 ether,
                testerFeePerEpoch: FEE,
                clientWeightCap: 100 * uint128(FEE),
                priorWeight: 10 * uint128(FEE)
            })
        );
        for (uint256 i = 0; i < ACTORS; i++) {
            address actor = address(uint160(0xACC0000 + i));
            actors.push(actor);
            VM.deal(actor, 1_000_000 ether);
            _makeTwin(actor, i + 1);
            if (i < 5) registerWorker(i, 1 + i * 7, 999, 1);
            if (i > 1) registerTester(i, 1, 3);
        }
    }

    function agreementCount() external view returns (uint256) {
        return agreements.length;
    }

    function roll(uint256 blocks) external {
        VM.roll(block.number + _bound(blocks, 1, 9));
        _noteStates();
    }

    function rollFar(uint256 blocks) external {
        VM.roll(block.number + _bound(blocks, 10, 300));
        _noteStates();
    }

    function registerWorker(uint256 actor, uint256 price, uint256 maxLength, uint256 slots) public {
        address account = _actor(actor);
        WorkerTerms memory terms = _terms(price, maxLength, slots);
        uint256 stake = dispatcher.lockFor(terms.pricePerBlock, terms.maxLength) * terms.slots;
        VM.prank(account);
        try dispatcher.registerWorker{value: stake}(terms) {} catch {}
    }

    function updateWorker(uint256 actor, uint256 price, uint256 maxLength, uint256 slots, uint256 value) external {
        address account = _actor(actor);
        VM.prank(account);
        try
            dispatcher.updateWorker{value: _bound(value, 0, 1 ether)}(
                dispatcher.workerOf(account, 0),
                _terms(price, maxLength, slots)
            )
        {} catch {}
    }

    function workerStep(uint256 actor, uint256 what, uint256 amount) external {
        address account = _actor(actor);
        uint256 workerId = _bound(amount, 1, dispatcher.workerCount());
        what = what % 6;
        VM.prank(account);
        if (what == 0) try dispatcher.pauseWorker(workerId) {} catch {}
        if (what == 1) try dispatcher.unpauseWorker(workerId) {} catch {}
        if (what == 2) try dispatcher.unregisterWorker(workerId) {} catch {}
        if (what == 3) try dispatcher.addStake{value: 0.1 ether}(workerId) {} catch {}
        if (what == 4) try dispatcher.unbondStake(workerId, _bound(amount, 0, 0.05 ether)) {} catch {}
        if (what == 5) try dispatcher.withdrawStake(workerId) {} catch {}
    }

    function registerTester(uint256 actor, uint256 fee, uint256 capacity) public {
        VM.prank(_actor(actor));
        try
            registry.registerTester{value: 0.2 ether}(uint96(_bound(fee, 0, 2 * FEE)), uint16(_bound(capacity, 1, 5)))
        {} catch {}
    }

    function registryStep(uint256 actor, uint256 what, uint256 amount) external {
        what = what % 4;
        VM.prank(_actor(actor));
        if (what == 0)
            try registry.updateTester(uint96(_bound(amount, 0, FEE)), uint16(_bound(amount, 0, 5))) {} catch {}
        if (what == 1) try registry.unregisterTester() {} catch {}
        if (what == 2) try registry.unbondStake(uint128(_bound(amount, 0, 0.1 ether))) {} catch {}
        if (what == 3) try registry.withdrawStake() {} catch {}
    }

    function buy(uint256 actor, uint256 redundancy, uint256 length, uint256 excess, uint256 testerCount) external {
        if (agreements.length == MAX_AGREEMENTS) return;
        PurchaseRequest memory request;
        request.redundancy = _bound(redundancy, 1, 3);
        request.length = _bound(length, 1, 60);
        request.startAfter = excess % 5;
        request.testerCount = 2 * _bound(testerCount, 0, 2) + 1;
        uint256 quote;
        try dispatcher.quoteFor(request) returns (uint256 atMost) {
            quote = atMost;
        } catch {
            return;
        }
        address account = _actor(actor);
        // Now and then too little.
        uint256 value = excess % 4 == 0 ? quote / 2 : quote + (excess % 1 ether);
        uint256 before = account.balance;
        uint256 pool = address(dispatcher).balance;
        VM.prank(account);
        try dispatcher.buyContractFor{value: value}(request) returns (address made) {
            if (made != address(0)) {
                agreements.push(WorkAgreement(made));
                paidIn[made] = made.balance;
            }
            _equal(before - account.balance, made.balance, "the client pays what the agreement holds");
            _equal(address(dispatcher).balance, pool, "a purchase leaves nothing in the pool");
        } catch {}
        _noteStates();
    }

    function openEpoch(uint256 which, uint256 epoch) external {
        if (agreements.length == 0) return;
        WorkAgreement agreement = _agreement(which);
        try agreement.openEpoch(_epoch(agreement, epoch)) {} catch {}
    }

    /// @dev Brings an agreement to the commit window of its next epoch, opens it and has every drawn tester commit.
    function playEpoch(uint256 which, uint256 verdicts) public {
        if (agreements.length == 0) return;
        WorkAgreement agreement = _agreement(which);
        uint256 count = agreement.epochCount();
        for (uint256 epoch = 0; epoch < count; epoch++) {
            EpochWindows memory windows = agreement.windowsOf(epoch);
            if (windows.commitFrom > windows.commitTo || block.number > windows.commitTo) continue;
            if (block.number < windows.commitFrom) VM.roll(windows.commitFrom);
            try agreement.openEpoch(epoch) {} catch {}
            address[] memory drawn = agreement.testersOf(epoch);
            for (uint256 i = 0; i < drawn.length; i++) {
                _commit(agreement, epoch, drawn[i], uint256(keccak256(abi.encode(verdicts, i))));
            }
            break;
        }
        _noteStates();
    }

    /// @dev Reveals what was promised for an epoch, rolling to its window when that is still to come.
    function reveal(uint256 which, uint256 epoch, uint256 silent) public {
        if (agreements.length == 0) return;
        WorkAgreement agreement = _agreement(which);
        epoch = _epoch(agreement, epoch);
        EpochWindows memory windows = agreement.windowsOf(epoch);
        if (block.number < windows.revealFrom) VM.roll(windows.revealFrom);
        address[] memory drawn = agreement.testersOf(epoch);
        for (uint256 i = 0; i < drawn.length; i++) {
            if (silent % 5 == i) continue;
            Verdict[] memory list = _promised[address(agreement)][epoch][drawn[i]];
            VM.prank(drawn[i]);
            try agreement.reveal(epoch, list, "cid", bytes32(uint256(7))) {} catch {}
        }
        _noteStates();
    }

    function settle(uint256 which, uint256 maxEpochs) public {
        if (agreements.length == 0) return;
        uint256[] memory before = _credits();
        try _agreement(which).settle(_bound(maxEpochs, 1, 3)) {} catch {}
        _noteCredits(before, address(0));
    }

    /// @dev An epoch from its draw to the money, which single random steps seldom bring about.
    function playThrough(uint256 which, uint256 verdicts, uint256 silent) external {
        if (agreements.length == 0) return;
        playEpoch(which, verdicts);
        for (uint256 epoch = 0; epoch < _agreement(which).epochCount(); epoch++) {
            if (_agreement(which).isOpen(epoch)) reveal(which, epoch, silent);
        }
        VM.roll(block.number + 17);
        settle(which, 2);
        for (uint256 i = 0; i < ACTORS; i += 2) {
            withdraw(which, i + (silent % 2));
        }
        _noteStates();
    }

    function finalize(uint256 which) external {
        if (agreements.length == 0) return;
        uint256[] memory before = _credits();
        try _agreement(which).finalize() {} catch {}
        _noteCredits(before, address(0));
        _noteStates();
    }

    function withdraw(uint256 which, uint256 actor) public {
        if (agreements.length == 0) return;
        WorkAgreement agreement = _agreement(which);
        address account = _actor(actor);
        uint256[] memory before = _credits();
        VM.prank(account);
        try agreement.withdraw() returns (uint256 amount) {
            paidOut[address(agreement)] += amount;
            withdrawn[address(agreement)][account] += amount;
        } catch {}
        _noteCredits(before, account);
    }

    function _commit(WorkAgreement agreement, uint256 epoch, address tester, uint256 random) private {
        uint256 count = agreement.workers().length;
        Verdict[] memory list = new Verdict[](count);
        for (uint256 i = 0; i < count; i++) {
            list[i] = Verdict((random >> (8 * i)) % 3);
        }
        bytes32 commitment = keccak256(abi.encode(address(agreement), epoch, tester, list, "cid", bytes32(uint256(7))));
        VM.prank(tester);
        try agreement.commit(epoch, commitment) {
            for (uint256 i = 0; i < count; i++) {
                _promised[address(agreement)][epoch][tester].push(list[i]);
            }
        } catch {}
    }

    function _makeTwin(address actor, uint256 privateKey) private {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("SPRF Twins"),
                keccak256("1"),
                block.chainid,
                address(twins)
            )
        );
        bytes32 ledgerKey = bytes32(privateKey);
        bytes32 message = keccak256(
            abi.encode(keccak256("TwinProof(address account,bytes32 ledgerKey,uint256 nonce)"), actor, ledgerKey, 0)
        );
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(privateKey, keccak256(abi.encodePacked(hex"1901", domain, message)));
        VM.prank(actor);
        twins.register(_publicKey(privateKey), ledgerKey, abi.encodePacked(r, s, v));
    }

    function _credits() private view returns (uint256[] memory credits) {
        credits = new uint256[](agreements.length * ACTORS);
        for (uint256 i = 0; i < credits.length; i++) {
            credits[i] = agreements[i / ACTORS].creditOf(actors[i % ACTORS]);
        }
    }

    function _noteCredits(uint256[] memory before, address own) private {
        uint256[] memory now_ = _credits();
        for (uint256 i = 0; i < before.length; i++) {
            if (now_[i] < before[i] && actors[i % ACTORS] != own) creditFell = true;
        }
    }

    function _noteStates() private {
        for (uint256 i = 0; i < agreements.length; i++) {
            uint256 status = uint256(agreements[i].status());
            if (status < lastStatus[address(agreements[i])]) stateWentBack = true;
            lastStatus[address(agreements[i])] = status;
        }
    }

    function _actor(uint256 raw) private view returns (address) {
        return actors[raw % ACTORS];
    }

    function _agreement(uint256 raw) private view returns (WorkAgreement) {
        return agreements[raw % agreements.length];
    }

    function _epoch(WorkAgreement agreement, uint256 raw) private view returns (uint256) {
        return raw % agreement.epochCount();
    }

    function _terms(uint256 price, uint256 maxLength, uint256 slots) private pure returns (WorkerTerms memory terms) {
        terms.pricePerBlock = uint96(_bound(price, 1, 1_000 gwei));
        terms.maxLength = uint32(_bound(maxLength, 1, 1_000));
        terms.slots = uint16(_bound(slots, 1, 3));
    }

    /// @dev The public keys of the private keys 1 to 8: multiples of the generator of secp256k1.
    function _publicKey(uint256 privateKey) private pure returns (bytes memory) {
        if (privateKey == 1) {
            return
                hex"79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
                hex"483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8";
        }
        if (privateKey == 2) {
            return
                hex"c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5"
                hex"1ae168fea63dc339a3c58419466ceaeef7f632653266d0e1236431a950cfe52a";
        }
        if (privateKey == 3) {
            return
                hex"f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9"
                hex"388f7b0f632de8140fe337e62a37f3566500a99934c2231b6cb9fd7584b8e672";
        }
        if (privateKey == 4) {
            return
                hex"e493dbf1c10d80f3581e4904930b1404cc6c13900ee0758474fa94abe8c4cd13"
                hex"51ed993ea0d455b75642e2098ea51448d967ae33bfbdfe40cfe97bdc47739922";
        }
        if (privateKey == 5) {
            return
                hex"2f8bde4d1a07209355b4a7250a5c5128e88b84bddc619ab7cba8d569b240efe4"
                hex"d8ac222636e5e3d6d4dba9dda6c9c426f788271bab0d6840dca87d3aa6ac62d6";
        }
        if (privateKey == 6) {
            return
                hex"fff97bd5755eeea420453a14355235d382f6472f8568a18b2f057a1460297556"
                hex"ae12777aacfbb620f3be96017f45c560de80f0f6518fe4a03c870c36b075f297";
        }
        if (privateKey == 7) {
            return
                hex"5cbdf0646e5db4eaa398f365f2ea7a0e3d419b7e0330e39ce92bddedcac4f9bc"
                hex"6aebca40ba255960a3178d6d861a54dba813d0b813fde7b5a5082628087264da";
        }
        if (privateKey == 8) {
            return
                hex"2f01e5e15cca351daff3843fb70f3c2f0a1bdd05e5af888a67784ef3e10a2a01"
                hex"5c4da8a741539949293d082a132d13b4c2e213d6ba5b7617b5da2cb76cbde904";
        }
        revert Check_Failed("no such key");
    }
}
