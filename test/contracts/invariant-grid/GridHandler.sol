// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ScriptedFeed} from "../../../contracts/mocks/ScriptedFeed.sol";
import {
    AccountView,
    ContractKind,
    ContractView,
    DeletionCause,
    Limits
} from "../../../contracts/types/GridContractTypes.sol";
import {Prices, Resources} from "../../../contracts/types/GridTypes.sol";
import {Billing} from "../../../contracts/libraries/Billing.sol";
import {GridReporter} from "./GridReporter.sol";

/// @dev What users, nodes and strangers do, each at any time, and the same in the model.
contract GridHandler is GridReporter {
    /// @dev That are not closed, at the same time.
    uint256 private constant CONTRACTS = 7;

    function deposit(uint256 seed) public {
        uint256 user = seed % USERS;
        AccountView memory account = grid.accountOf(user + 1);
        // Some seconds or months of what runs, or about what it takes to come back.
        uint256 second = (account.grainsPerSecond >> 52) + 1e10;
        uint256 amount = second * (1 + (_roll(seed, "seconds") % 40));
        if (_roll(seed, "months") % 2 == 0) amount = second * 2_592_000 * (1 + (_roll(seed, "many") % 24));
        if (account.isInGrace && _roll(seed, "back") % 2 == 0) {
            amount = account.recoveryCost + (_roll(seed, "more") % 3);
            if (amount != 0) amount--;
        }
        if (!_act("deposit", actors[user], amount, abi.encodeCall(grid.deposit, ()))) return;
        sentIn += amount;
        _users[user].balance += amount << 52;
        _recover(user);
    }

    /// @dev Leaves nothing, some seconds, or a part of the balance.
    function withdraw(uint256 seed) public {
        uint256 user = seed % USERS;
        AccountView memory account = grid.accountOf(user + 1);
        uint256 left = (account.balance * (_roll(seed, "part") % 100)) / 100;
        if (_roll(seed, "few") % 3 == 0) left = (account.grainsPerSecond * (_roll(seed, "seconds") % 30)) >> 52;
        if (left > account.balance) left = 0;
        uint256 amount = account.balance - left;
        if (!_act("withdraw", actors[user], 0, abi.encodeCall(grid.withdraw, (amount)))) {
            wrong = "withdraw";
            return;
        }
        sentOut += amount;
        _users[user].balance -= amount << 52;
        _lower(user);
    }

    function createContract(uint256 seed) public {
        if (_openCount() >= CONTRACTS) return;
        (uint256 user, uint256 farm) = (seed % USERS, _roll(seed, "farm") % FARMS);
        _renewNode(farm);
        uint256 ips = _roll(seed, "ips") % 3;
        Resources memory resources = Resources({
            cru: uint32(_roll(seed, "cru") % 4),
            sru: uint64(_roll(seed, "sru") % (80 << 30)),
            hru: uint64(_roll(seed, "hru") % (80 << 30)),
            mru: uint64(_roll(seed, "mru") % (6 << 30))
        });
        Limits memory limits = Limits(resources, uint64(_roll(seed, "nru") % 1e12));
        bytes32 hash = bytes32(1 + (_roll(seed, "hash") % 20));
        bytes memory call = abi.encodeCall(grid.createContract, (_nodeOf[farm], hash, "", ips, limits));
        if (!_act("createContract", actors[user], 0, call)) return;
        uint256 rate = Billing.nodeRate(registry.pricesOf(farm + 1), resources, ips, true);
        Bill storage bill = _newBill(user, rate, 2);
        bill.expiresAt = bill.lapsesAt;
        _lower(user);
    }

    function createRentContract(uint256 seed) public {
        if (_openCount() >= CONTRACTS) return;
        // It keeps all others off the node.
        if (_roll(seed, "often") % 6 != 0) return;
        (uint256 user, uint256 farm) = (seed % USERS, _roll(seed, "farm") % FARMS);
        _renewNode(farm);
        _clear(_nodeOf[farm]);
        bytes memory call = abi.encodeCall(grid.createRentContract, (_nodeOf[farm]));
        if (!_act("createRentContract", actors[user], 0, call)) return;
        Prices memory prices = registry.pricesOf(farm + 1);
        _newBill(user, Billing.rentRate(prices, registry.node(_nodeOf[farm]).resources), 3);
        reportedAt[grid.contractCount()] = block.timestamp;
        _lower(user);
    }

    function createNameContract(uint256 seed) public {
        if (_openCount() >= CONTRACTS) return;
        uint256 user = seed % USERS;
        string memory name = string(abi.encodePacked(bytes1(uint8(97 + (_roll(seed, "name") % 6)))));
        if (!_act("createNameContract", actors[user], 0, abi.encodeCall(grid.createNameContract, (name)))) return;
        _newBill(user, Billing.nameRate(registry.pricesOf(1)), 0).isName = true;
        _lower(user);
    }

    /// @dev One, or all that wait for it.
    function confirm(uint256 seed) public {
        if (seed % 4 == 0) {
            (uint256 id, ) = _bill(_roll(seed, "contract"));
            if (id != 0) _confirm(id);
            return;
        }
        uint256 count = grid.contractCount();
        for (uint256 id = 1; id <= count; id++) {
            if (!isClosed[id] && _bills[id].expiresAt != 0) _confirm(id);
        }
    }

    function cancel(uint256 seed) public {
        if (_roll(seed, "often") % 3 != 0) return;
        (uint256 id, Bill storage bill) = _bill(seed);
        if (id == 0) return;
        ContractView memory view_ = _contract(id);
        bool byNode = view_.kind != ContractKind.Name && _roll(seed, "who") % 3 == 0;
        address from = byNode ? _owner(view_.farmId - 1) : actors[bill.user];
        uint256 before = credits();
        bool ok = _act("cancelContract", from, 0, abi.encodeCall(grid.cancelContract, (id)));
        // G6: it always succeeds for who may, once.
        if (ok == view_.isClosed) wrong = "G6: cancel";
        if (!ok) return;
        _end(id, byNode ? DeletionCause.ByNode : DeletionCause.ByUser);
        claimed[id] += credits() - before;
    }

    function close(uint256 seed) public {
        (uint256 id, Bill storage bill) = _bill(seed);
        if (id == 0) return;
        bool isClosed = _contract(id).isClosed;
        uint256 before = credits();
        bool ok = _act("close", STRANGER, 0, abi.encodeCall(grid.close, (id)));
        if (ok != (!isClosed && bill.endedAt != 0)) wrong = "close";
        if (!ok) return;
        _end(id, DeletionCause.None);
        claimed[id] += credits() - before;
    }

    /// @dev Settlements change nothing that the model knows of.
    function settle(uint256 seed) public {
        if (seed % 2 == 0) {
            _act("settleUser", STRANGER, 0, abi.encodeCall(grid.settleUser, (1 + (_roll(seed, "user") % USERS))));
            return;
        }
        (uint256 id, ) = _bill(_roll(seed, "contract"));
        if (id == 0) return;
        uint256[] memory ids = new uint256[](1);
        ids[0] = id;
        uint256 before = credits();
        if (!_act("settleContracts", STRANGER, 0, abi.encodeCall(grid.settleContracts, (ids)))) wrong = "settle";
        claimed[id] += credits() - before;
    }

    /// @dev G5: nobody else moves a contract.
    function meddle(uint256 seed) public {
        (uint256 id, Bill storage bill) = _bill(seed);
        if (id == 0) return;
        ContractView memory view_ = _contract(id);
        address from = _roll(seed, "who") % 2 == 0 ? STRANGER : actors[(bill.user + 1) % USERS];
        bytes[4] memory calls = [
            abi.encodeCall(grid.cancelContract, (id)),
            abi.encodeCall(grid.updateContract, (id, "", bytes32(seed))),
            abi.encodeCall(grid.confirmDeployment, (id)),
            abi.encodeCall(grid.addReports, (view_.nodeId, _oneReport(id, block.timestamp, seed)))
        ];
        if (_act("meddle", from, 0, calls[_roll(seed, "what") % 4])) wrong = "G5: meddled";
    }

    function changePrice(uint256 seed) public {
        if (seed % 4 == 0) feed.setMood(ScriptedFeed.Mood(1 + (_roll(seed, "mood") % 2)));
        else feed.setAnswer(int256(1_500e8 + (_roll(seed, "price") % 3_000e8)), 0);
    }

    /// @dev The node retires; its farm gets another one when somebody wants it.
    function deleteNode(uint256 seed) public {
        uint256 farm = seed % FARMS;
        if (_roll(seed, "often") % 10 != 0 || registry.node(_nodeOf[farm]).retiresAt != NEVER) return;
        VM.prank(_owner(farm));
        uint256 retiresAt = registry.deleteNode(_nodeOf[farm]);
        happened["deleteNode"]++;
        for (uint256 id = 1; id <= grid.contractCount(); id++) {
            Bill storage bill = _bills[id];
            if (!isClosed[id] && _contract(id).nodeId == _nodeOf[farm]) bill.retiresAt = retiresAt;
        }
    }

    function warp(uint256 seed) public {
        _warp(1 + (seed % 12));
    }

    function warpFar(uint256 seed) public {
        if (_roll(seed, "often") % 3 == 0) _warp(10 + (seed % 45));
    }

    /// @dev Ends everything.
    function endAll() external {
        for (uint256 id = 1; id <= grid.contractCount(); id++) {
            if (!isClosed[id]) _endOne(id);
        }
    }

    function modelUser(uint256 user) external view returns (User memory) {
        return _users[user];
    }

    function modelBill(uint256 id) external view returns (Bill memory) {
        return _bills[id];
    }

    function _renewNode(uint256 farm) private {
        if (registry.node(_nodeOf[farm]).retiresAt <= block.timestamp) _nodeOf[farm] = _newNode(farm);
    }

    /// @dev Only a node without contracts can be rented.
    function _clear(uint256 nodeId) private {
        for (uint256 id = 1; id <= grid.contractCount(); id++) {
            if (!isClosed[id] && _contract(id).nodeId == nodeId) _endOne(id);
        }
    }

    function _confirm(uint256 id) private {
        Bill storage bill = _bills[id];
        ContractView memory view_ = _contract(id);
        if (view_.kind != ContractKind.Node) return;
        bool mayBe = bill.expiresAt != 0 && bill.endedAt == 0 && !_users[bill.user].inGrace;
        bytes memory call = abi.encodeCall(grid.confirmDeployment, (id));
        bool ok = _act("confirmDeployment", _owner(view_.farmId - 1), 0, call);
        if (ok != mayBe) wrong = "confirm";
        if (!ok) return;
        (bill.expiresAt, bill.lapsesAt) = (0, _lapseOf(bill));
        reportedAt[id] = block.timestamp;
    }

    function _openCount() private view returns (uint256 count) {
        for (uint256 user = 0; user < USERS; user++) {
            count += _users[user].contractIds.length;
        }
    }

    function _endOne(uint256 id) private {
        uint256 before = credits();
        bytes memory call = abi.encodeCall(grid.cancelContract, (id));
        if (!_act("cancelContract", actors[_bills[id].user], 0, call)) wrong = "G6: end";
        _end(id, DeletionCause.ByUser);
        claimed[id] += credits() - before;
    }

    function _warp(uint256 length) private {
        VM.warp(block.timestamp + length);
        _advance(block.timestamp, USERS);
    }

    function _newBill(uint256 user, uint256 rate, uint256 intervals) private returns (Bill storage bill) {
        uint256 id = grid.contractCount();
        bill = _bills[id];
        (bill.user, bill.rate) = (user, rate);
        bill.lapsesAt = (block.timestamp / INTERVAL + intervals) * INTERVAL;
        _users[user].contractIds.push(id);
    }
}
