// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DeletionCause} from "../../../contracts/types/GridContractTypes.sol";

/// @dev What contracts cost and when they end, second by second and contract by contract, with nothing of the streams' ideas:
/// no index, no ring, no closed form. Amounts in grains.
abstract contract GridModel {
    struct User {
        uint256 balance;
        uint256 level;
        bool inGrace;
        uint256 depletedAt;
        uint256 debt;
        uint256[] contractIds;
    }

    struct Bill {
        uint256 user;
        bool isName;
        // Costs something now, and lapses then unless it is a name.
        uint256 rate;
        uint256 lapsesAt;
        // What it earned for good, and in a grace period that is not paid.
        uint256 earned;
        uint256 unpaid;
        // Seconds since 1970; zero while it is not over.
        uint256 endedAt;
        DeletionCause cause;
        // When it ends if nothing else happens before.
        uint256 expiresAt;
        uint256 retiresAt;
    }

    uint256 internal constant INTERVAL = 10;
    uint256 internal constant GRACE = 47;
    uint256 internal constant GRACE_SHARE = 30;
    uint256 internal constant NEVER = type(uint40).max;

    uint256 internal _second;
    uint256 internal _price;
    mapping(uint256 user => User) internal _users;
    mapping(uint256 contractId => Bill) internal _bills;
    mapping(uint256 contractId => bool) public isClosed;
    /// @dev How often each kind of thing happened, so that a play of nothing proves nothing.
    mapping(bytes32 what => uint256) public happened;

    /// @dev Up to the start of a second, for users 0 to `count` - 1.
    function _advance(uint256 to, uint256 count) internal {
        while (_second < to) {
            for (uint256 user = 0; user < count; user++) {
                _spend(_users[user]);
            }
            _second++;
            for (uint256 user = 0; user < count; user++) {
                _begin(_users[user]);
            }
        }
    }

    function _spend(User storage user) private {
        if (!user.inGrace) {
            (uint256 nodes, uint256 names) = _rates(user);
            uint256 cost = (nodes * (100 - user.level) + names * 100) * _price;
            if (cost <= user.balance) {
                user.balance -= cost;
                _earn(user, false);
                return;
            }
            happened["depleted"]++;
            (user.inGrace, user.depletedAt) = (true, _second);
        }
        _earn(user, true);
    }

    function _earn(User storage user, bool inGrace) private {
        for (uint256 i = 0; i < user.contractIds.length; i++) {
            Bill storage bill = _bills[user.contractIds[i]];
            if (bill.rate == 0) continue;
            uint256 share = bill.isName ? 100 : 100 - user.level;
            uint256 cost = bill.rate * (inGrace ? GRACE_SHARE : share) * _price;
            if (!inGrace) bill.earned += cost;
            else (bill.unpaid, user.debt) = (bill.unpaid + cost, user.debt + cost);
        }
    }

    /// @dev What the start of a second changes by itself.
    function _begin(User storage user) private {
        if (_second % INTERVAL != 0 && !user.inGrace) return;
        for (uint256 i = 0; i < user.contractIds.length; i++) {
            _beginOne(_bills[user.contractIds[i]]);
        }
        if (!user.inGrace) {
            if (_second % INTERVAL == 0) user.level = _deserved(user, true);
            return;
        }
        if (_second == user.depletedAt + GRACE) _endGrace(user);
    }

    function _beginOne(Bill storage bill) private {
        if (bill.rate != 0 && !bill.isName && bill.lapsesAt == _second) {
            bill.rate = 0;
            happened["lapsed"]++;
        }
        if (bill.endedAt == 0 && bill.expiresAt == _second) _over(bill, DeletionCause.Expired);
        if (bill.endedAt == 0 && bill.retiresAt == _second) _over(bill, DeletionCause.NodeRetired);
    }

    function _endGrace(User storage user) private {
        happened["graceEnded"]++;
        for (uint256 i = 0; i < user.contractIds.length; i++) {
            Bill storage bill = _bills[user.contractIds[i]];
            if (bill.endedAt == 0) _over(bill, DeletionCause.OutOfFunds);
            (bill.rate, bill.unpaid) = (0, 0);
        }
        (user.inGrace, user.debt, user.level) = (false, 0, 0);
    }

    function _over(Bill storage bill, DeletionCause cause) internal {
        (bill.endedAt, bill.cause) = (_second, cause);
        happened[bytes32(uint256(cause))]++;
    }

    /// @dev Somebody ends it now.
    function _end(uint256 contractId, DeletionCause cause) internal {
        Bill storage bill = _bills[contractId];
        if (bill.endedAt == 0) _over(bill, cause);
        if (_users[bill.user].inGrace) _users[bill.user].debt -= bill.unpaid;
        (bill.rate, bill.unpaid, isClosed[contractId]) = (0, 0, true);
        // What is closed changes no more.
        uint256[] storage ids = _users[bill.user].contractIds;
        for (uint256 i = 0; i < ids.length; i++) {
            if (ids[i] != contractId) continue;
            ids[i] = ids[ids.length - 1];
            ids.pop();
        }
    }

    function _lower(uint256 user) internal {
        uint256 deserved = _deserved(_users[user], false);
        if (!_users[user].inGrace && deserved < _users[user].level) _users[user].level = deserved;
    }

    function _recover(uint256 user) internal {
        User storage self = _users[user];
        (uint256 nodes, uint256 names) = _rates(self);
        uint256 cost = self.debt + (nodes + names) * 100 * _price * 3600;
        if (!self.inGrace || self.balance < cost) return;
        happened["recovered"]++;
        self.balance -= self.debt;
        (self.inGrace, self.debt, self.level, self.depletedAt) = (false, 0, 0, 0);
        for (uint256 i = 0; i < self.contractIds.length; i++) {
            Bill storage bill = _bills[self.contractIds[i]];
            (bill.earned, bill.unpaid) = (bill.earned + bill.unpaid, 0);
        }
    }

    function _rates(User storage user) internal view returns (uint256 nodes, uint256 names) {
        for (uint256 i = 0; i < user.contractIds.length; i++) {
            Bill storage bill = _bills[user.contractIds[i]];
            if (bill.isName) names += bill.rate;
            else nodes += bill.rate;
        }
    }

    /// @dev Months of 720 hours that the balance lasts; none for who has nothing on nodes, at the start of an interval.
    function _deserved(User storage user, bool isStart) private view returns (uint256 percent) {
        (uint256 nodes, uint256 names) = _rates(user);
        if (isStart && nodes == 0) return 0;
        uint256 monthly = (nodes + names) * 100 * _price * 3600 * 720;
        if (monthly == 0 || user.balance * 2 < monthly * 3) return 0;
        if (user.balance < monthly * 3) return 20;
        if (user.balance < monthly * 6) return 30;
        return user.balance < monthly * 18 ? 40 : 60;
    }
}
