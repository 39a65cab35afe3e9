// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {WorkAgreement} from "../../../contracts/market/WorkAgreement.sol";
import {AgreementTerms, TesterView, WorkerView} from "../../../contracts/types/MarketTypes.sol";
import {Model} from "./Model.sol";

/// @dev Looks at everybody's money and at every state before and after an action.
abstract contract Watch is Model {
    /// @dev Money that only its owner may lower. Lists only grow, so places stay.
    struct Purses {
        // For each agreement the client and then the operators.
        uint256[] credits;
        address[] creditOwners;
        // Stake and unbonding stake of each worker, with the operator twice.
        uint256[] workers;
        address[] workerOwners;
        // Stake and unbonding stake of each tester.
        uint256[] testers;
        address[] testerOwners;
        // What each actor has in the registry (fees) and in the contract of disputes.
        uint256[] others;
    }

    uint256 private constant PARTIES = 4;

    /// @dev The action after which somebody else could take out less; zero when there was none.
    bytes32 public robbedBy;
    /// @dev The action after which an agreement was earlier in its life than before.
    bytes32 public wentBackBy;
    mapping(WorkAgreement agreement => uint256) private _status;
    mapping(WorkAgreement agreement => uint256) private _settled;

    /// @dev An action of one account, or of a stranger (zero).
    modifier watched(bytes32 action, address own) {
        Purses memory before = _purses();
        _;
        _compare(action, before, own, false);
    }

    /// @dev An action that carries out verdicts: these may cost stake, but never what was credited before.
    modifier judging(bytes32 action) {
        Purses memory before = _purses();
        _;
        _compare(action, before, address(0), true);
    }

    function _compare(bytes32 action, Purses memory before, address own, bool verdicts) private {
        Purses memory since = _purses();
        bool fell = _fell(before.credits, since.credits, since.creditOwners, own);
        if (!verdicts) {
            fell = fell || _fell(before.workers, since.workers, since.workerOwners, own);
            fell = fell || _fell(before.testers, since.testers, since.testerOwners, own);
        }
        for (uint256 i = 0; i < before.others.length; i++) {
            if (since.others[i] < before.others[i] && actors[i % ACTORS] != own) fell = true;
        }
        if (fell) robbedBy = action;
        _noteStates(action);
    }

    function _fell(
        uint256[] memory before,
        uint256[] memory since,
        address[] memory owners,
        address own
    ) private pure returns (bool) {
        for (uint256 i = 0; i < before.length; i++) {
            if (since[i] < before[i] && owners[i] != own) return true;
        }
        return false;
    }

    function _noteStates(bytes32 action) internal {
        for (uint256 i = 0; i < agreements.length; i++) {
            WorkAgreement agreement = agreements[i];
            uint256 status = uint256(agreement.status());
            uint256 settled = agreement.settledEpochs();
            if (status < _status[agreement] || settled < _settled[agreement]) wentBackBy = action;
            (_status[agreement], _settled[agreement]) = (status, settled);
        }
    }

    function _purses() private view returns (Purses memory purses) {
        uint256 count = agreements.length;
        purses.credits = new uint256[](PARTIES * count);
        purses.creditOwners = new address[](PARTIES * count);
        for (uint256 i = 0; i < count; i++) {
            AgreementTerms memory terms = agreements[i].terms();
            _addCredit(purses, PARTIES * i, agreements[i], terms.client);
            for (uint256 j = 0; j < terms.workers.length; j++) {
                _addCredit(purses, PARTIES * i + j + 1, agreements[i], terms.workers[j].operator);
            }
        }
        _addStakes(purses);
        purses.others = new uint256[](2 * ACTORS);
        TesterView[] memory testers = registry.testers(1, ACTORS);
        for (uint256 i = 0; i < ACTORS; i++) {
            uint256 testerId = registry.testerOf(actors[i]);
            if (testerId != 0) purses.others[i] = testers[testerId - 1].credit;
            purses.others[ACTORS + i] = disputes.creditOf(actors[i]);
        }
    }

    function _addCredit(Purses memory purses, uint256 place, WorkAgreement agreement, address owner) private view {
        purses.credits[place] = agreement.creditOf(owner);
        purses.creditOwners[place] = owner;
    }

    function _addStakes(Purses memory purses) private view {
        WorkerView[] memory workers = dispatcher.workers(1, dispatcher.MAX_PAGE());
        (purses.workers, purses.workerOwners) = (new uint256[](2 * workers.length), new address[](2 * workers.length));
        for (uint256 i = 0; i < workers.length; i++) {
            (purses.workers[2 * i], purses.workers[2 * i + 1]) = (workers[i].stake, workers[i].unbonding);
            (purses.workerOwners[2 * i], purses.workerOwners[2 * i + 1]) = (workers[i].operator, workers[i].operator);
        }
        TesterView[] memory testers = registry.testers(1, ACTORS);
        (purses.testers, purses.testerOwners) = (new uint256[](2 * testers.length), new address[](2 * testers.length));
        for (uint256 i = 0; i < testers.length; i++) {
            (purses.testers[2 * i], purses.testers[2 * i + 1]) = (testers[i].stake, testers[i].unbonding);
            (purses.testerOwners[2 * i], purses.testerOwners[2 * i + 1]) = (testers[i].account, testers[i].account);
        }
    }
}
