// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AgreementTerms, WorkerSeat} from "../types/MarketTypes.sol";

/// @title The packed immutable arguments of an agreement's clone
/// @notice Header, 55 bytes: client 20, start 5, length 4, epochLength 3 | revealLength 3, appealLength 3,
/// testerCount 1, number 4, testerFeePerEpoch 12. Then 45 bytes a worker: workerId 5, twinId 4, previous 4 |
/// operator 20, price 12. The bars show where a 32-byte read begins. A byte of code costs 200 gas once; a storage slot
/// would cost 22,100.
library AgreementArgs {
    uint256 private constant HEADER_BYTES = 55;
    uint256 private constant HEADER_SECOND = 32;
    uint256 private constant SEAT_BYTES = 45;
    uint256 private constant SEAT_OPERATOR = 13;

    function encode(AgreementTerms memory terms) internal pure returns (bytes memory args) {
        args = abi.encodePacked(
            terms.client,
            terms.start,
            terms.length,
            terms.epochLength,
            terms.revealLength,
            terms.appealLength,
            terms.testerCount,
            terms.number,
            terms.testerFeePerEpoch
        );
        uint256 count = terms.workers.length;
        for (uint256 i = 0; i < count; i++) {
            WorkerSeat memory seat = terms.workers[i];
            args = abi.encodePacked(args, seat.workerId, seat.twinId, seat.previous, seat.operator, seat.pricePerBlock);
        }
    }

    /// @notice All but the workers, whose list stays empty.
    function header(bytes memory args) internal pure returns (AgreementTerms memory terms) {
        uint256 word = _read(args, 0);
        terms.client = address(uint160(word >> 96));
        terms.start = uint40(word >> 56);
        terms.length = uint32(word >> 24);
        terms.epochLength = uint24(word);
        word = _read(args, HEADER_SECOND);
        terms.revealLength = uint24(word >> 232);
        terms.appealLength = uint24(word >> 208);
        terms.testerCount = uint8(word >> 200);
        terms.number = uint32(word >> 168);
        terms.testerFeePerEpoch = uint96(word >> 72);
    }

    function workerCount(bytes memory args) internal pure returns (uint256) {
        return (args.length - HEADER_BYTES) / SEAT_BYTES;
    }

    function worker(bytes memory args, uint256 index) internal pure returns (WorkerSeat memory seat) {
        uint256 offset = HEADER_BYTES + index * SEAT_BYTES;
        uint256 word = _read(args, offset);
        seat.workerId = uint40(word >> 216);
        seat.twinId = uint32(word >> 184);
        seat.previous = uint32(word >> 152);
        word = _read(args, offset + SEAT_OPERATOR);
        seat.operator = address(uint160(word >> 96));
        seat.pricePerBlock = uint96(word);
    }

    function decode(bytes memory args) internal pure returns (AgreementTerms memory terms) {
        terms = header(args);
        uint256 count = workerCount(args);
        terms.workers = new WorkerSeat[](count);
        for (uint256 i = 0; i < count; i++) {
            terms.workers[i] = worker(args, i);
        }
    }

    /// @dev The 32 bytes from `offset` on; those beyond the end are shifted away by the callers.
    function _read(bytes memory args, uint256 offset) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(args, 0x20), offset))
        }
    }
}
