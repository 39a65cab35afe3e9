// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ProbeRequest} from "../types/MarketTypes.sol";
import {LedgerAddress} from "./LedgerAddress.sol";

/// @title A user's request to a program, written as wire/execution-request.ts writes it
/// @notice sha256("sprf/request/1" || canonical dag-cbor). The contract writes it from its fields instead of looking into
/// bytes that it is given, so that nonce and program can stand in their own places only. Keys come shortest first, then
/// in the order of their bytes; numbers and lengths in the fewest bytes.
library ProgramRequest {
    uint8 private constant UINT = 0x00;
    uint8 private constant BYTES = 0x40;
    uint8 private constant TEXT = 0x60;
    /// @dev Maps of so many entries: the field `ifState` is left out when it is not asked for.
    bytes1 private constant MAP_OF_8 = 0xa8;
    bytes1 private constant MAP_OF_9 = 0xa9;

    /// @param program Ledger key of the smart account.
    function hash(ProbeRequest calldata self, bytes32 nonce, bytes32 program) internal pure returns (bytes32) {
        bytes calldata input = inputOf(self);
        return sha256(bytes.concat(_untilInput(self, input.length), input, _afterInput(self, nonce, program)));
    }

    /// @notice The input itself, or the CID under which it lies.
    function inputOf(ProbeRequest calldata self) internal pure returns (bytes calldata) {
        return bytes(self.inputCid).length == 0 ? self.input : bytes(self.inputCid);
    }

    function _untilInput(ProbeRequest calldata self, uint256 length) private pure returns (bytes memory) {
        bool isCid = bytes(self.inputCid).length != 0;
        return
            bytes.concat(
                "sprf/request/1",
                bytes(self.ifState).length == 0 ? MAP_OF_8 : MAP_OF_9,
                "\x64user",
                _text(self.user),
                // A map of one entry.
                "\x65input",
                bytes1(0xa1),
                isCid ? bytes("\x63cid") : bytes("\x65bytes"),
                _head(isCid ? TEXT : BYTES, length)
            );
    }

    function _afterInput(
        ProbeRequest calldata self,
        bytes32 nonce,
        bytes32 program
    ) private pure returns (bytes memory) {
        bytes memory ifState =
            bytes(self.ifState).length == 0 ? bytes("") : bytes.concat("\x67ifState", _text(self.ifState));
        return
            bytes.concat(
                // 32 bytes.
                "\x65nonce\x58\x20",
                nonce,
                "\x66maxGas",
                _head(UINT, self.maxGas),
                ifState,
                "\x67network",
                _text(self.network),
                // 56 letters.
                "\x67program\x78\x38",
                LedgerAddress.encode(program),
                "\x67version\x01\x6avalidUntil",
                _head(UINT, self.validUntil)
            );
    }

    function _text(string calldata text) private pure returns (bytes memory) {
        return bytes.concat(_head(TEXT, bytes(text).length), bytes(text));
    }

    /// @dev A major type with a number, at most 64 bits of it.
    function _head(uint8 major, uint256 value) private pure returns (bytes memory) {
        if (value < 24) return abi.encodePacked(major | uint8(value));
        if (value <= type(uint8).max) return abi.encodePacked(major | 24, uint8(value));
        if (value <= type(uint16).max) return abi.encodePacked(major | 25, uint16(value));
        if (value <= type(uint32).max) return abi.encodePacked(major | 26, uint32(value));
        return abi.encodePacked(major | 27, uint64(value));
    }
}
