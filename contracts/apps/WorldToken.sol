// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";

/// @title What there is one of in a world: its lands, or its heroes
contract WorldToken is ERC721 {
    /// @notice Whose tokens these are.
    address public immutable WORLD;

    /// @notice Only the world makes them.
    error WorldToken_NotWorld(address world, address caller);

    constructor(string memory name, string memory symbol) ERC721(name, symbol) {
        WORLD = msg.sender;
    }

    /// @notice Makes one.
    /// @dev World only (_NotWorld).
    function mint(address account, uint256 id) external {
        if (msg.sender != WORLD) revert WorldToken_NotWorld(WORLD, msg.sender);
        _mint(account, id);
    }
}
