// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {WorkAgreement} from "../../../contracts/market/WorkAgreement.sol";
import {AgreementStatus, AgreementTerms, PurchaseRequest} from "../../../contracts/types/MarketTypes.sol";
import {Watch} from "./Watch.sol";

/// @dev What clients do, and workers within an agreement.
abstract contract ClientActions is Watch {
    /// @dev One of the ways to buy.
    function purchase(uint256 seed) external {
        uint256 what = _roll(seed, "what") % 4;
        if (what == 0) buy(seed);
        else if (what == 1) buyWith(seed);
        else buyFor(seed);
    }

    /// @dev One thing that a party does with an agreement.
    function agreementStep(uint256 seed) external {
        uint256 what = _roll(seed, "what") % 4;
        if (what == 0) bindProgram(seed);
        else if (what == 1) extend(seed);
        else if (what == 2) terminate(seed);
        else resign(seed);
    }

    function buy(uint256 seed) public {
        uint256 redundancy = 1 + (_roll(seed, "redundancy") % 3);
        uint256 length = 1 + (_roll(seed, "length") % 120);
        uint256 quote = _quote(abi.encodeCall(dispatcher.quote, (redundancy, length)));
        _buy("buyContract", seed, quote, abi.encodeCall(dispatcher.buyContract, (redundancy, length)));
    }

    function buyFor(uint256 seed) public {
        PurchaseRequest memory request;
        request.redundancy = 1 + (_roll(seed, "redundancy") % 3);
        request.length = 30 + (_roll(seed, "length") % 120);
        request.startAfter = _isOne(seed, "later", 3) ? _roll(seed, "start") % 20 : 0;
        request.testerCount =
            _isOne(seed, "seven", 8)
                ? 7
                : _isOne(seed, "five", 4)
                    ? 5
                    : 1 + 2 * (seed % 2);
        request.testerFeePerEpoch = FEE + (_roll(seed, "fee") % (registry.maxFeePerEpoch() - FEE));
        request.minReputation = _isOne(seed, "known", 8) ? 5_000 : 0;
        uint256 quote = _quote(abi.encodeCall(dispatcher.quoteFor, (request)));
        _buy("buyContractFor", seed, quote, abi.encodeCall(dispatcher.buyContractFor, (request)));
    }

    function buyWith(uint256 seed) public {
        uint256[] memory workerIds = new uint256[](1 + (_roll(seed, "redundancy") % 2));
        uint256 first = _roll(seed, "worker");
        for (uint256 i = 0; i < workerIds.length; i++) {
            workerIds[i] = _listedFrom(1 + ((first + 3 * i) % dispatcher.workerCount()));
        }
        uint256 length = 12 + (_roll(seed, "length") % 120);
        uint256 quote = _quote(abi.encodeCall(dispatcher.quoteWith, (workerIds, length)));
        _buy("buyContractWith", seed, quote, abi.encodeCall(dispatcher.buyContractWith, (workerIds, length)));
    }

    function bindProgram(uint256 seed) public {
        (bool found, WorkAgreement agreement) = _live(seed);
        if (!found) return;
        address client = agreement.client();
        _bind(agreement, client);
    }

    function extend(uint256 seed) public {
        (bool found, WorkAgreement agreement) = _live(seed);
        if (!found) return;
        uint256 blocks = 1 + (_roll(seed, "blocks") % 30);
        AgreementTerms memory terms = agreement.terms();
        uint256 value = blocks * agreement.price() + (blocks / EPOCH + 1) * terms.testerCount * terms.testerFeePerEpoch;
        _extend(agreement, terms.client, blocks, value + (_roll(seed, "more") % 1 ether));
    }

    /// @dev One time in three, lest every agreement be cut short.
    function terminate(uint256 seed) public {
        (bool found, WorkAgreement agreement) = _live(seed);
        if (found && _isOne(seed, "really", 3)) _terminate(agreement, agreement.client());
    }

    function resign(uint256 seed) public {
        (bool found, WorkAgreement agreement) = _live(seed);
        if (!found || !_isOne(seed, "really", 3)) return;
        AgreementTerms memory terms = agreement.terms();
        uint256 index = _roll(seed, "index") % terms.workers.length;
        _resign(agreement, terms.workers[index].operator, index);
    }

    /// @dev An agreement that is not over yet; there may be none.
    function _live(uint256 seed) internal view returns (bool found, WorkAgreement agreement) {
        uint256 count = agreements.length;
        for (uint256 i = 0; i < count; i++) {
            agreement = agreements[((_roll(seed, "agreement") % count) + i) % count];
            if (agreement.status() != AgreementStatus.Finalized) return (true, agreement);
        }
    }

    /// @dev As `_live`, after a purchase when there is none.
    function _liveOrNew(uint256 seed) internal returns (bool found, WorkAgreement agreement) {
        (found, agreement) = _live(seed);
        if (found) return (found, agreement);
        buyFor(seed);
        return _live(seed);
    }

    function _liveCount() internal view returns (uint256 count) {
        for (uint256 i = 0; i < agreements.length; i++) {
            if (agreements[i].status() != AgreementStatus.Finalized) count++;
        }
    }

    function _bind(WorkAgreement agreement, address client) internal watched("bindProgram", client) {
        bytes memory data = abi.encodeCall(agreement.bindProgram, (keccak256(abi.encode(agreement))));
        _act("bindProgram", client, address(agreement), 0, data);
    }

    function _extend(
        WorkAgreement agreement,
        address client,
        uint256 blocks,
        uint256 value
    ) private watched("extend", client) {
        (bool ok, ) = _act("extend", client, address(agreement), value, abi.encodeCall(agreement.extend, (blocks)));
        if (!ok) return;
        sentIn += value;
        _modelExtension(agreement, blocks, value);
    }

    function _terminate(WorkAgreement agreement, address client) private watched("terminate", client) {
        (bool ok, ) = _act("terminate", client, address(agreement), 0, abi.encodeCall(agreement.terminate, ()));
        if (ok) _modelTermination(agreement);
    }

    function _resign(WorkAgreement agreement, address operator, uint256 index) private watched("resign", operator) {
        _act("resign", operator, address(agreement), 0, abi.encodeCall(agreement.resign, (index)));
    }

    /// @dev The next worker that can be bought, or any.
    function _listedFrom(uint256 workerId) private view returns (uint256) {
        uint256 count = dispatcher.workerCount();
        for (uint256 i = 0; i < count; i++) {
            uint256 id = 1 + ((workerId - 1 + i) % count);
            if (dispatcher.worker(id).listed) return id;
        }
        return workerId;
    }

    /// @dev Zero when nothing can be bought so.
    function _quote(bytes memory data) private view returns (uint256) {
        (bool ok, bytes memory result) = address(dispatcher).staticcall(data);
        return ok ? abi.decode(result, (uint256)) : 0;
    }

    /// @dev Sends too little, exactly enough, or more.
    function _buy(bytes32 action, uint256 seed, uint256 quote, bytes memory data) private {
        if (quote == 0 || agreements.length == AGREEMENTS || _liveCount() == LIVE_AGREEMENTS) return;
        uint256 value = quote + (_isOne(seed, "exact", 2) ? 0 : _roll(seed, "more") % 1 ether);
        if (_isOne(seed, "little", 5)) value = quote / 3;
        _send(action, _actor(_roll(seed, "client")), value, data);
    }

    function _send(bytes32 action, address client, uint256 value, bytes memory data) private watched(action, client) {
        uint256 before = client.balance;
        uint256 pool = address(dispatcher).balance;
        (bool ok, bytes memory result) = _act(action, client, address(dispatcher), value, data);
        if (!ok) return;
        address made = abi.decode(result, (address));
        _equal(address(dispatcher).balance, pool, "M2: a purchase leaves nothing in the pool");
        _equal(before - client.balance, made == address(0) ? 0 : made.balance, "M2: the client pays what was bought");
        if (made == address(0)) {
            done["rejected"]++;
            return;
        }
        sentIn += made.balance;
        _modelPurchase(WorkAgreement(payable(made)), made.balance);
    }
}
