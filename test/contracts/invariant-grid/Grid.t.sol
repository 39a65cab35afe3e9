// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccountView, ContractKind, ContractState, ContractView} from "../../../contracts/types/GridContractTypes.sol";
import {SolidityTest} from "../base/Vm.sol";
import {GridHandler} from "./GridHandler.sol";
import {GridModel} from "./GridModel.sol";

/// @dev The grid's invariants G1 to G6, see docs/security.md, after any sequence of actions, against a model that bills second
/// by second. One function, because the runner plays the same sequences again for each.
contract GridInvariants is SolidityTest {
    /// @dev As the runner wants it.
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    /// @dev Of the scripted game.
    uint256 private constant ROUNDS = 40;

    GridHandler private _handler;

    function setUp() external {
        _handler = new GridHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(_handler), _steps());
    }

    function invariantG1ToG6() public view {
        _checkWrong();
        for (uint256 user = 0; user < _handler.USERS(); user++) {
            _checkUser(user);
        }
        uint256 unsettled;
        for (uint256 id = 1; id <= _handler.grid().contractCount(); id++) {
            unsettled += _checkContract(id);
        }
        _g1IpsAndResources();
        _g2EveryGrain(unsettled);
    }

    /// @dev In the end everybody takes what is its own, and only what is less than a wei is left.
    function afterInvariant() external {
        _handler.endAll();
        invariantG1ToG6();
        _equal(_handler.registry().farm(1).freePublicIpCount, _handler.IPS(), "G1: all IPs are free");
        _equal(_handler.registry().farm(2).freePublicIpCount, _handler.IPS(), "G1: all IPs are free");
    }

    /// @dev An invariant over nothing proves nothing: everything happens within some rounds.
    function testPlayReachesEverything() external {
        bytes4[] memory steps = _steps();
        for (uint256 i = 0; i < ROUNDS; i++) {
            for (uint256 step = 0; step < steps.length; step++) {
                uint256 seed = uint256(keccak256(abi.encode(i, step)));
                if (seed % 3 == 0) continue;
                (bool ok, ) = address(_handler).call(abi.encodeWithSelector(steps[step], seed));
                _check(ok, "a step");
            }
            invariantG1ToG6();
        }
        bytes32[22] memory all = [
            bytes32("deposit"),
            "withdraw",
            "createContract",
            "createRentContract",
            "createNameContract",
            "confirmDeployment",
            "addReports",
            "cancelContract",
            "close",
            "settleUser",
            "settleContracts",
            "deleteNode",
            "traffic",
            "kept",
            "lapsed",
            "depleted",
            "recovered",
            "graceEnded",
            bytes32(uint256(1)),
            bytes32(uint256(3)),
            bytes32(uint256(4)),
            bytes32(uint256(5))
        ];
        for (uint256 i = 0; i < all.length; i++) {
            _check(_handler.happened(all[i]) != 0, string(abi.encodePacked("never: ", all[i])));
        }
    }

    function _steps() private view returns (bytes4[] memory steps) {
        bytes4[18] memory all = [
            _handler.deposit.selector,
            _handler.deposit.selector,
            _handler.withdraw.selector,
            _handler.createContract.selector,
            _handler.createContract.selector,
            _handler.createRentContract.selector,
            _handler.createNameContract.selector,
            _handler.confirm.selector,
            _handler.addReports.selector,
            _handler.reportAll.selector,
            _handler.cancel.selector,
            _handler.close.selector,
            _handler.settle.selector,
            _handler.meddle.selector,
            _handler.changePrice.selector,
            _handler.deleteNode.selector,
            _handler.warp.selector,
            _handler.warpFar.selector
        ];
        steps = new bytes4[](all.length);
        for (uint256 i = 0; i < all.length; i++) {
            steps[i] = all[i];
        }
    }

    function _checkWrong() private view {
        bytes32 wrong = _handler.wrong();
        _check(wrong == 0, string(abi.encodePacked("wrong: ", wrong)));
    }

    /// @dev G3: whoever settled when, the balance is what billing every second leaves.
    function _checkUser(uint256 user) private view {
        AccountView memory account = _handler.grid().accountOf(user + 1);
        GridModel.User memory model = _handler.modelUser(user);
        _equal(account.balanceGrains, model.balance, "G3: balance");
        _check(account.isInGrace == model.inGrace, "G3: grace");
        if (!model.inGrace) {
            _equal(account.discountPercent, model.level, "G3: discount");
            return;
        }
        _equal(account.fundedUntil, model.depletedAt, "G3: depletion");
        // Who comes back pays an hour at what the feed says now.
        uint256 price = _handler.book().peek().price;
        uint256 cost = model.debt + (account.nodeRate + account.nameRate) * 100 * price * 3600;
        uint256 missing = cost > model.balance ? cost - model.balance : 0;
        _equal(account.recoveryCost, (missing + (1 << 52) - 1) >> 52, "G3: cost of recovery");
    }

    /// @dev G3, G4: each contract earned what billing every second of its life gives, and is over when the model says.
    function _checkContract(uint256 id) private view returns (uint256 unsettled) {
        GridModel.Bill memory model = _handler.modelBill(id);
        if (_handler.isClosed(id) && _handler.claimed(id) == model.earned) return 0;
        ContractView memory actual = _handler.grid().contractOf(id);
        _equal(_handler.claimed(id) + actual.unsettledGrains, model.earned, "G3: earned");
        _check((actual.state == ContractState.Deleted) == (model.endedAt != 0), "G4: over");
        if (model.endedAt != 0) {
            _equal(actual.endsAt, model.endedAt, "G4: end");
            _equal(uint256(actual.cause), uint256(model.cause), "G4: cause");
            return actual.unsettledGrains;
        }
        bool inGrace = _handler.modelUser(model.user).inGrace;
        ContractState standing = model.expiresAt != 0 ? ContractState.Created : ContractState.Deployed;
        if (inGrace) standing = ContractState.GracePeriod;
        _equal(uint256(actual.state), uint256(standing), "G4: state");
        return actual.unsettledGrains;
    }

    /// @dev G1: what contracts hold that are not closed is what is reserved, and each IP is one contract's.
    function _g1IpsAndResources() private view {
        uint256[3] memory reserved;
        uint256 nodes = _handler.registry().nodeCount();
        uint256[] memory cores = new uint256[](nodes + 1);
        for (uint256 id = 1; id <= _handler.grid().contractCount(); id++) {
            if (_handler.isClosed(id)) continue;
            ContractView memory view_ = _handler.grid().contractOf(id);
            if (view_.kind != ContractKind.Node) continue;
            reserved[view_.farmId] += view_.publicIpCount;
            cores[view_.nodeId] += view_.limits.resources.cru;
            _equal(view_.publicIps.length, view_.publicIpCount, "G1: the contract's IPs");
        }
        for (uint256 farm = 1; farm <= _handler.FARMS(); farm++) {
            uint256 free = _handler.registry().farm(farm).freePublicIpCount;
            _equal(free + reserved[farm], _handler.IPS(), "G1: IPs");
        }
        for (uint256 nodeId = 1; nodeId <= nodes; nodeId++) {
            _equal(_handler.registry().node(nodeId).claimed.cru, cores[nodeId], "G1: cores");
        }
    }

    /// @dev G2: what came in is a balance, earned and not settled, credited, or gone out: to the grain.
    function _g2EveryGrain(uint256 unsettled) private view {
        uint256 total = unsettled + _handler.credits();
        for (uint256 user = 1; user <= _handler.USERS(); user++) {
            total += _handler.grid().accountOf(user).balanceGrains;
        }
        uint256 held = _handler.sentIn() - _handler.sentOut();
        _equal(address(_handler.grid()).balance, held, "G2: ether");
        _equal(total, held << 52, "G2: every grain");
    }
}
