// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {WorkAgreement} from "../../../contracts/market/WorkAgreement.sol";
import {Verdict} from "../../../contracts/types/MarketTypes.sol";
import {ClientActions} from "./ClientActions.sol";

/// @dev What testers say: a function of an epoch's mood, so that majorities of all kinds come about, and can be repeated.
abstract contract Testimony is ClientActions {
    string internal constant CID = "cid";

    mapping(WorkAgreement agreement => mapping(uint256 epoch => uint256)) internal _moods;

    /// @return packed 2 bits for each worker.
    function _verdicts(WorkAgreement agreement, uint256 mood, address tester) internal view returns (uint64 packed) {
        uint256 count = agreement.workers().length;
        for (uint256 i = 0; i < count; i++) {
            uint256 common = uint256(keccak256(abi.encode(mood, i))) % 8;
            uint256 own = uint256(keccak256(abi.encode(mood, i, tester)));
            Verdict verdict =
                common < 4
                    ? Verdict.Ok
                    : common < 6
                        ? Verdict.Wrong
                        : Verdict.Unreachable;
            // Now and then somebody sees it otherwise.
            if (own % 4 == 0) verdict = Verdict((own >> 8) % 3);
            packed |= uint64(uint256(verdict) << (2 * i));
        }
    }

    function _salt(address tester) internal pure returns (bytes32) {
        return keccak256(abi.encode("salt", tester));
    }

    function _commitment(
        WorkAgreement agreement,
        uint256 epoch,
        uint256 mood,
        address tester
    ) internal view returns (bytes32) {
        uint64 verdicts = _verdicts(agreement, mood, tester);
        return keccak256(abi.encode(address(agreement), epoch, tester, verdicts, CID, _salt(tester)));
    }
}
