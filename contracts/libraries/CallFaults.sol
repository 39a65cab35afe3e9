// SPDX-License-Identifier: MIT
pragma solidity ^0.8.31;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {IChannelCourt} from "../interfaces/IChannelCourt.sol";
import {UserWord} from "../types/ChannelCourtTypes.sol";
import {Call, RecordHeader, RecordKind, SessionGrant, SessionRevoke, SlotProof} from "../types/ChannelTypes.sol";
import {ChannelLimits} from "./ChannelLimits.sol";
import {ChannelSignatures} from "./ChannelSignatures.sol";
import {ChannelSlots} from "./ChannelSlots.sol";
import {StateTree} from "./StateTree.sol";

/// @title Words of users that they did not say
/// @notice As src/channel/read-input.ts judges them. Each proof of a slot is asked for only when what comes before it finds
/// nothing.
library CallFaults {
    /// @notice What an input's reading needs at most, so that nobody convicts by giving it too little.
    uint256 internal constant READING_GAS = 2_000_000;
    /// @notice What the slot of a revoked key holds.
    uint256 internal constant REVOKED = 1 << 64;

    uint256 private constant WORD = 32;
    uint256 private constant SELECTOR_BYTES = 4;
    uint256 private constant EXPIRY_BITS = 64;

    /// @notice A call or session that cannot be read, is of another channel, too late or not signed, or not the wallet's next.
    /// @dev Reverts with _WrongInput, _TooLittleGas, and as StateTree.
    function isForged(
        RecordHeader memory header,
        bytes32 rootBefore,
        UserWord calldata word,
        address hub
    ) internal view returns (bool) {
        bytes32 actual = keccak256(word.input);
        if (actual != header.inputHash) revert IChannelCourt.ChannelCourt_WrongInput(header.inputHash, actual);
        if (word.input.length > ChannelLimits.INPUT_BYTES) return _isUsers(header);
        requireReadingGas();
        if (header.kind == uint8(RecordKind.Call)) return _isForgedCall(header, rootBefore, word, hub);
        return _isUsers(header) && _isForgedSession(header, rootBefore, word, hub);
    }

    /// @notice The call in an input, and the functions that stand behind its signature.
    /// @dev Reverts on whatever `abi.encode` does not give.
    function readCall(
        bytes calldata input
    ) internal pure returns (Call memory call, bytes memory signature, bytes4[] memory functions) {
        bytes memory field;
        (call, field) = abi.decode(input, (Call, bytes));
        _expect(keccak256(abi.encode(call, field)) == keccak256(input));
        uint256 longest = ChannelLimits.SIGNATURE_BYTES + (ChannelLimits.SESSION_FUNCTIONS + 2) * WORD;
        _expect(field.length >= ChannelLimits.SIGNATURE_BYTES && field.length <= longest);
        if (field.length == ChannelLimits.SIGNATURE_BYTES) return (call, field, functions);
        signature = _slice(field, 0, ChannelLimits.SIGNATURE_BYTES);
        bytes memory list = _slice(field, ChannelLimits.SIGNATURE_BYTES, field.length - ChannelLimits.SIGNATURE_BYTES);
        functions = abi.decode(list, (bytes4[]));
        _expect(keccak256(abi.encode(functions)) == keccak256(list));
    }

    /// @notice A grant, or a revocation, whichever `what` says.
    /// @dev Reverts on whatever `abi.encode` does not give.
    function readSession(
        bytes calldata input
    )
        internal
        pure
        returns (uint8 what, SessionGrant memory grant, SessionRevoke memory revoke, bytes memory signature)
    {
        what = uint8(input[WORD - 1]);
        if (what == 0) {
            (what, grant, signature) = abi.decode(input, (uint8, SessionGrant, bytes));
            _expect(keccak256(abi.encode(what, grant, signature)) == keccak256(input));
            _expect(grant.functions.length <= ChannelLimits.SESSION_FUNCTIONS);
        } else {
            _expect(what == 1);
            (what, revoke, signature) = abi.decode(input, (uint8, SessionRevoke, bytes));
            _expect(keccak256(abi.encode(what, revoke, signature)) == keccak256(input));
        }
    }

    /// @notice Reverts unless there is gas enough to read any input.
    function requireReadingGas() internal view {
        uint256 left = gasleft();
        if (left < READING_GAS) revert IChannelCourt.ChannelCourt_TooLittleGas(READING_GAS, left);
    }

    /// @notice Who has signed a struct in the domain of the hub; zero for nobody.
    function signerOf(address hub, bytes32 structHash, bytes memory signature) internal view returns (address signer) {
        (signer, , ) = ECDSA.tryRecover(ChannelSignatures.digestOf(hub, structHash), signature);
    }

    /// @notice Whether what a session's slot holds lets its key make a call, see docs/spec/channel-state.md.
    function allows(
        uint256 granted,
        uint64 timeMs,
        bytes4[] memory functions,
        bytes memory data
    ) internal pure returns (bool) {
        if (granted == 0 || uint64(granted) < timeMs) return false;
        if (granted >> EXPIRY_BITS != sessionOf(0, functions) >> EXPIRY_BITS) return false;
        if (functions.length == 0) return true;
        if (data.length < SELECTOR_BYTES) return false;
        bytes4 selector = bytes4(data);
        for (uint256 i = 0; i < functions.length; i++) {
            if (functions[i] == selector) return true;
        }
        return false;
    }

    /// @notice What the slot of a key holds that was granted.
    function sessionOf(uint64 expiryMs, bytes4[] memory functions) internal pure returns (uint256) {
        // Arrays are packed in whole words.
        uint160 functionsHash = uint160(bytes20(keccak256(abi.encodePacked(functions))));
        return (uint256(functionsHash) << EXPIRY_BITS) | expiryMs;
    }

    function _isForgedCall(
        RecordHeader memory header,
        bytes32 rootBefore,
        UserWord calldata word,
        address hub
    ) private view returns (bool) {
        Call memory call;
        bytes memory signature;
        bytes4[] memory functions;
        try IChannelCourt(address(this)).readCall(word.input) returns (
            Call memory call_,
            bytes memory signature_,
            bytes4[] memory functions_
        ) {
            (call, signature, functions) = (call_, signature_, functions_);
        } catch {
            return true;
        }
        if (call.channel != header.channel || call.validUntilMs < header.timeMs) return true;
        address signer = signerOf(hub, ChannelSignatures.hash(call), signature);
        if (signer == address(0)) return true;
        if (signer != call.sender || functions.length != 0) {
            bytes32 slot = ChannelSlots.sessionSlot(call.sender, signer);
            uint256 granted = uint256(StateTree.valueOf(rootBefore, slot, word.session));
            if (!allows(granted, header.timeMs, functions, call.data)) return true;
        }
        return _isOtherNonce(rootBefore, call.sender, call.nonce, word.nonce);
    }

    function _isForgedSession(
        RecordHeader memory header,
        bytes32 rootBefore,
        UserWord calldata word,
        address hub
    ) private view returns (bool) {
        try IChannelCourt(address(this)).readSession(word.input) returns (
            uint8 what,
            SessionGrant memory grant,
            SessionRevoke memory revoke,
            bytes memory signature
        ) {
            bool grants = what == 0;
            (uint256 channel, address wallet) = grants
                ? (grant.channel, grant.wallet)
                : (revoke.channel, revoke.wallet);
            bytes32 structHash = grants ? ChannelSignatures.hash(grant) : ChannelSignatures.hash(revoke);
            if (channel != header.channel) return true;
            address signer = signerOf(hub, structHash, signature);
            if (signer == address(0) || signer != wallet) return true;
            if (!grants) return _isOtherNonce(rootBefore, wallet, revoke.nonce, word.nonce);
            if (grant.expiryMs < header.timeMs) return true;
            uint256 before = uint256(
                StateTree.valueOf(rootBefore, ChannelSlots.sessionSlot(wallet, grant.key), word.session)
            );
            // A key is granted again only after its time, and never after its revocation.
            return before == REVOKED || (before != 0 && uint64(before) >= header.timeMs);
        } catch {
            return true;
        }
    }

    function _isUsers(RecordHeader memory header) private pure returns (bool) {
        return header.kind == uint8(RecordKind.Call) || header.kind == uint8(RecordKind.Session);
    }

    function _isOtherNonce(
        bytes32 rootBefore,
        address wallet,
        uint64 nonce,
        SlotProof calldata proof
    ) private pure returns (bool) {
        return uint256(StateTree.valueOf(rootBefore, ChannelSlots.nonceSlot(wallet), proof)) != nonce;
    }

    function _expect(bool isReadable) private pure {
        if (!isReadable) revert IChannelCourt.ChannelCourt_Unreadable();
    }

    function _slice(bytes memory from, uint256 start, uint256 length) private pure returns (bytes memory part) {
        part = new bytes(length);
        assembly ("memory-safe") {
            mcopy(add(part, 0x20), add(add(from, 0x20), start), length)
        }
    }
}
