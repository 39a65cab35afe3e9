// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC1155} from "@openzeppelin/contracts/token/ERC1155/ERC1155.sol";

/// @title What there is many of in a world: 1 wood, 2 stone, 3 iron, 4 gold, 5 crystal
contract WorldItems is ERC1155 {
    /// @notice Whose tokens these are.
    address public immutable WORLD;

    /// @notice Only the world makes them.
    error WorldItems_NotWorld(address world, address caller);

    constructor() ERC1155("") {
        WORLD = msg.sender;
    }

    /// @notice Makes some.
    /// @dev World only (_NotWorld).
    function mint(address account, uint256 id, uint256 amount) external {
        if (msg.sender != WORLD) revert WorldItems_NotWorld(WORLD, msg.sender);
        _mint(account, id, amount, "");
    }
}
